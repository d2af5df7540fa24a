//! Where a machine that is thrown away is made.

use std::env;
use std::path::{Path, PathBuf};

use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use nix::sys::statvfs::FsFlags;
use nix::unistd::{AccessFlags, access};

/// A file system in memory that every Linux machine with a C library has (`shm_open(3)`).
const MEMORY: &str = "/dev/shm";
/// A machine takes some 8 MiB; its disks are files with nothing in them.
const ENOUGH: u64 = 64 << 20;

/// In memory where that can be had: a machine is 2,600 small files, which ext4 takes up to two seconds to make where as many
/// were deleted before. `TMPDIR` counts more.
pub(super) fn of_a_machine() -> PathBuf {
    let memory = Path::new(MEMORY);
    if env::var_os("TMPDIR").is_none() && is_roomy_memory(memory) { memory.into() } else { env::temp_dir() }
}

fn is_roomy_memory(path: &Path) -> bool {
    let roomy = statfs(path).is_ok_and(|about| {
        let block = u64::try_from(about.block_size()).unwrap_or(0);
        about.filesystem_type() == TMPFS_MAGIC
            && about.blocks_available().saturating_mul(block) >= ENOUGH
            // Played programs lie there.
            && !about.flags().contains(FsFlags::ST_NOEXEC)
    });
    roomy && access(path, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_system_in_memory_is_memory() {
        assert!(!is_roomy_memory(Path::new("/proc")));
        assert!(!is_roomy_memory(Path::new("/nowhere")));
    }
}
