//! Mounts that nobody else sees: a mount namespace for the calling thread and the programs it starts.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test without its mounts has failed")]

use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Gives the calling thread its own mounts; they are gone with the thread.
///
/// # Panics
/// When this is not root.
pub fn private() {
    unshare(CloneFlags::CLONE_NEWNS)
        .unwrap_or_else(|error| panic!("{error}: this test mounts: run it as root"));
    change(None, Path::new("/"), MsFlags::MS_PRIVATE | MsFlags::MS_REC);
}

/// Makes a tree read-only.
///
/// # Panics
/// When the kernel refuses.
pub fn read_only(place: &Path) {
    change(Some(place), place, MsFlags::MS_BIND);
    change(None, place, MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY);
}

/// Puts an empty file system in memory over a folder; `options` as `size=64k`.
///
/// # Panics
/// When the kernel refuses.
pub fn memory(place: &Path, options: &str) {
    std::fs::create_dir_all(place).unwrap();
    mount(Some("tmpfs"), place, Some("tmpfs"), MsFlags::empty(), Some(options)).unwrap();
}

fn change(from: Option<&Path>, place: &Path, flags: MsFlags) {
    mount(from, place, None::<&str>, flags, None::<&str>)
        .unwrap_or_else(|error| panic!("mount {}: {error}", place.display()));
}
