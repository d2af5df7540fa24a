//! The root under every case: made once, then kept.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::FlockArg;

use crate::vm::error::at;
use crate::vm::programs::{finish, program};
use crate::vm::slots::lock;
use crate::vm::{Error, cache, image};

const RECIPE: &str = include_str!("bed/root.sh");
const PACKAGES: &str = include_str!("bed/packages.sh");
const MODPROBE: &str = include_str!("bed/modprobe");

/// The root for the present recipe; made first if need be, which takes two minutes.
pub(super) fn get() -> Result<PathBuf, Error> {
    let cache = cache::folder()?;
    let key = image::key(&[RECIPE, PACKAGES, MODPROBE]).replace("image-", "packages-");
    let folder = cache.join(key);
    let _builder = lock(&cache.join("packages.lock"), FlockArg::LockExclusive)?;
    if !folder.exists() {
        make(&cache, &folder)?;
    }
    Ok(folder.join("root"))
}

/// Made under another name and renamed when complete: an interrupted build leaves nothing that looks finished.
fn make(cache: &Path, folder: &Path) -> Result<(), Error> {
    let scratch = tempfile::Builder::new().prefix("making-packages-").tempdir_in(cache).map_err(at(cache))?;
    for (name, text) in [("root.sh", RECIPE), ("packages.sh", PACKAGES), ("modprobe", MODPROBE)] {
        let path = scratch.path().join(name);
        std::fs::write(&path, text).map_err(at(&path))?;
    }
    let out = scratch.path().join("made");
    std::fs::create_dir(&out).map_err(at(&out))?;
    let mut command = program("sh");
    command.arg(scratch.path().join("root.sh")).arg(&out).arg(image::mirror()?).arg(scratch.path());
    finish(command)?;
    // apt reads it as a user of its own.
    std::fs::set_permissions(&out, std::fs::Permissions::from_mode(0o755)).map_err(at(&out))?;
    std::fs::rename(&out, folder).map_err(at(folder))
}
