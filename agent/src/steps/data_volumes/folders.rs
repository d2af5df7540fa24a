//! The folders that move to the volume: what is in them already is copied, whole or not at all, then the folder on
//! the volume is mounted over the one on the root disk.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::Path;

use gpunode_host::Root;
use gpunode_host::disk::mount::parse_mountinfo;
use gpunode_host::reason;
use gpunode_host::spec::BindTarget;

use super::units::{self, Unit};
use crate::os::{Cmd, Os};
use crate::step::Failure;

/// A folder and where it lies on the volume.
pub(super) struct Folder {
    /// `/var/lib/containerd`
    pub(super) path: String,
    /// `/mnt/data/containerd`
    pub(super) source: String,
    /// Its name on the volume.
    pub(super) name: &'static str,
}

/// The folders that the configuration asks for.
pub(super) fn wanted(targets: &BTreeSet<BindTarget>, mount_path: &Path) -> Vec<Folder> {
    let place = |target: &BindTarget| match target {
        BindTarget::Containerd => ("containerd", "/var/lib/containerd"),
        BindTarget::Kubelet => ("kubelet", "/var/lib/kubelet"),
        BindTarget::PodLogs => ("pods", "/var/log/pods"),
        BindTarget::Soci => ("soci-snapshotter-grpc", "/var/lib/soci-snapshotter-grpc"),
    };
    targets
        .iter()
        .map(|target| {
            let (name, path) = place(target);
            Folder { path: path.to_owned(), source: format!("{}/{name}", mount_path.display()), name }
        })
        .collect()
}

/// The folders over which the volume is not mounted yet.
pub(super) fn not_bound<'a>(root: &Root, folders: &'a [Folder]) -> Result<Vec<&'a Folder>, Failure> {
    let table = root.read_text("/proc/self/mountinfo")?.unwrap_or_default();
    let mounts = parse_mountinfo(&table);
    let is_bound = |folder: &&Folder| {
        // The last mount on a place is the one that is seen.
        mounts
            .iter()
            .rev()
            .find(|mount| mount.point == Path::new(&folder.path))
            .is_some_and(|mount| mount.root == Path::new("/").join(folder.name))
    };
    Ok(folders.iter().filter(|folder| !is_bound(folder)).collect())
}

/// Mounts the volume's folders over the root disk's.
pub(super) fn bind(os: &Os, folders: &[Folder], units: &[Unit]) -> Result<(), Failure> {
    let open: Vec<_> = not_bound(os.root(), folders)?.iter().map(|folder| folder.path.clone()).collect();
    if open.is_empty() {
        return Ok(());
    }
    let [kubelet, containerd] = are_active(os, ["kubelet", "containerd"])?;
    if kubelet {
        let message =
            format!("kubelet is running, so {} cannot be moved to the data volume now", open.join(", "));
        return Err(Failure::new(&reason::DATA_VOLUME_TOO_LATE, "kubelet", message));
    }
    // containerd keeps files open in its folder; nothing of the node's work runs in it before kubelet does.
    if containerd {
        os.run(&Cmd::new("systemctl").args(["stop", "containerd"]))?;
    }
    let moved = fill_all(os, folders, &open).and_then(|()| units::start(os, &units[1..]));
    if containerd {
        os.run(&Cmd::new("systemctl").args(["start", "containerd"]))?;
    }
    moved
}

/// systemctl prints the state of each unit on a line, in the order asked.
fn are_active<const N: usize>(os: &Os, services: [&str; N]) -> Result<[bool; N], Failure> {
    let output = os.run_any(&Cmd::new("systemctl").arg("is-active").args(services))?;
    Ok(parse_active(&output.stdout))
}

fn parse_active<const N: usize>(states: &str) -> [bool; N] {
    let mut states = states.lines();
    // A service that is being reloaded runs.
    [(); N].map(|()| matches!(states.next().map(str::trim), Some("active" | "reloading" | "refreshing")))
}

fn fill_all(os: &Os, folders: &[Folder], open: &[String]) -> Result<(), Failure> {
    folders.iter().filter(|folder| open.contains(&folder.path)).try_for_each(|folder| fill(os, folder))
}

/// Brings what is in the folder to the volume, unless an earlier run has. A copy gets its name when it is whole.
fn fill(os: &Os, folder: &Folder) -> Result<(), Failure> {
    os.make_dir(&folder.path)?;
    if os.root().exists(&folder.source) {
        return Ok(());
    }
    if os.root().names_if_there(&folder.path)?.is_empty() {
        return make_like(os, folder);
    }
    let parent = Path::new(&folder.source).parent().unwrap_or(Path::new("/"));
    let half = parent.join(format!(".{}.gpunode-new", folder.name)).display().to_string();
    if os.root().exists(&half) {
        os.run(&Cmd::new("rm").args(["-rf", "--one-file-system", &half]))?;
    }
    os.run(&Cmd::new("cp").args(["-a", "--one-file-system", &folder.path, &half]))?;
    os.run(&Cmd::new("sync").args(["-f", &half]))?;
    fs::rename(os.root().at(&half), os.root().at(&folder.source)).map_err(|error| not_made(folder, &error))
}

/// An empty folder on the volume with the mode and owner of the one on the root disk.
fn make_like(os: &Os, folder: &Folder) -> Result<(), Failure> {
    let (from, to) = (os.root().at(&folder.path), os.root().at(&folder.source));
    let make = || {
        let like = fs::metadata(from)?;
        fs::DirBuilder::new().mode(like.mode() & 0o7777).create(&to)?;
        chown(&to, Some(like.uid()), Some(like.gid()))
    };
    make().map_err(|error: io::Error| not_made(folder, &error))
}

fn not_made(folder: &Folder, error: &io::Error) -> Failure {
    let message = format!("cannot make the place of {} on the volume: {error}", folder.path);
    Failure::new(&reason::FILE_NOT_WRITTEN, &folder.source, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_its_own_state() {
        assert_eq!(parse_active("inactive\nactive\n"), [false, true]);
        assert_eq!(parse_active("reloading\nactivating\n"), [true, false]);
        // systemd could not be asked.
        assert_eq!(parse_active(""), [false, false]);
    }
}
