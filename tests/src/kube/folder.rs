//! A control plane's folder, which goes with it; one that a killed test program left, or that was kept to a program's
//! end, goes when the next begins. It is memory.

use std::fs::{self, File};
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};
use tempfile::TempDir;

use super::Error;
use super::error::at;

const PREFIX: &str = "gpunode-kube-";
/// Locked for as long as the folder is somebody's.
const MINE: &str = "in-use";

/// The folder.
pub(super) struct Folder {
    folder: TempDir,
    _mine: Flock<File>,
}

impl Folder {
    /// On a tmpfs where there is one: etcd syncs every write, and a disk under load takes seconds for it.
    pub(super) fn new() -> Result<Self, Error> {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        sweep(&place);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&place).map_err(at(place))?;
        // It gets its name when it is locked: nobody finds it before.
        let path = folder.path().join("not-yet");
        let file = File::create(&path).map_err(at(&path))?;
        let mine = Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, errno)| at(&path)(std::io::Error::from(errno)))?;
        fs::rename(&path, folder.path().join(MINE)).map_err(at(&path))?;
        Ok(Self { folder, _mine: mine })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what nobody uses any more. One that is being made has no file to lock yet, and is left alone.
fn sweep(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let Ok(file) = File::open(entry.path().join(MINE)) else { continue };
        if is_ours && Flock::lock(file, FlockArg::LockExclusiveNonblock).is_ok() {
            // What cannot be removed is no reason to run no test.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_uses_is_swept() {
        let place = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let folder = place.path().join(name);
            fs::create_dir(&folder).unwrap();
            folder
        };
        let (left, used, new, other) =
            (make("gpunode-kube-left"), make("gpunode-kube-used"), make("gpunode-kube-new"), make("other"));
        for folder in [&left, &used, &other] {
            fs::write(folder.join(MINE), "").unwrap();
        }
        let file = File::open(used.join(MINE)).unwrap();
        let mine = Flock::lock(file, FlockArg::LockExclusive).unwrap();
        sweep(place.path());
        assert!(!left.exists() && used.exists() && new.exists() && other.exists());
        drop(mine);
        sweep(place.path());
        assert!(!used.exists());
    }
}
