//! The system calls that change a file system, and where their paths stand.

use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::unistd::Pid;

use super::Change;

/// Where a call says what it changes.
enum Place {
    /// An open file, by number.
    Open(usize),
    /// A path.
    Path(usize),
    /// A folder, by number, and a path below it.
    Below(usize, usize),
}

pub(super) struct Call {
    pub(super) number: libc::c_long,
    name: &'static str,
    place: Place,
}

const fn call(number: libc::c_long, name: &'static str, place: Place) -> Call {
    Call { number, name, place }
}

const CALLS: &[Call] = &[
    call(libc::SYS_openat, "open", Place::Below(0, 1)),
    call(libc::SYS_write, "write", Place::Open(0)),
    call(libc::SYS_pwrite64, "write", Place::Open(0)),
    call(libc::SYS_writev, "write", Place::Open(0)),
    call(libc::SYS_sendfile, "write", Place::Open(0)),
    call(libc::SYS_copy_file_range, "write", Place::Open(2)),
    call(libc::SYS_ftruncate, "truncate", Place::Open(0)),
    call(libc::SYS_fallocate, "truncate", Place::Open(0)),
    call(libc::SYS_fsync, "fsync", Place::Open(0)),
    call(libc::SYS_fdatasync, "fsync", Place::Open(0)),
    call(libc::SYS_fchmod, "chmod", Place::Open(0)),
    call(libc::SYS_fchmodat, "chmod", Place::Below(0, 1)),
    call(libc::SYS_renameat2, "rename", Place::Below(0, 1)),
    call(libc::SYS_mkdirat, "mkdir", Place::Below(0, 1)),
    call(libc::SYS_symlinkat, "link", Place::Below(1, 2)),
    call(libc::SYS_linkat, "link", Place::Below(2, 3)),
    call(libc::SYS_unlinkat, "unlink", Place::Below(0, 1)),
];

/// What older architectures have beside the calls above.
#[cfg(target_arch = "x86_64")]
const OLD_CALLS: &[Call] = &[
    call(libc::SYS_creat, "open", Place::Path(0)),
    call(libc::SYS_chmod, "chmod", Place::Path(0)),
    call(libc::SYS_rename, "rename", Place::Path(0)),
    call(libc::SYS_renameat, "rename", Place::Below(0, 1)),
    call(libc::SYS_mkdir, "mkdir", Place::Path(0)),
    call(libc::SYS_symlink, "link", Place::Path(1)),
    call(libc::SYS_link, "link", Place::Path(1)),
    call(libc::SYS_unlink, "unlink", Place::Path(0)),
    call(libc::SYS_rmdir, "unlink", Place::Path(0)),
];
#[cfg(not(target_arch = "x86_64"))]
const OLD_CALLS: &[Call] = &[call(libc::SYS_renameat, "rename", Place::Below(0, 1))];

/// Flags of open(2) without which a file is only read.
pub(super) const OPENS_TO_WRITE: i32 = libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC;

/// Every call that is followed.
pub(super) fn all() -> impl Iterator<Item = &'static Call> {
    CALLS.iter().chain(OLD_CALLS)
}

impl Call {
    /// Which argument holds the flags of open(2).
    pub(super) fn flags(&self) -> Option<u32> {
        (self.number == libc::SYS_openat).then_some(2)
    }
}

/// The change that the call with this number and these arguments makes, if it makes one.
pub(super) fn change(thread: Pid, number: i64, args: [u64; 6]) -> Option<Change> {
    let call = all().find(|call| call.number == number)?;
    let path = match call.place {
        Place::Open(at) => open_file(thread, args[at])?,
        Place::Path(at) => folder(thread, "cwd").join(string(thread, args[at])?),
        Place::Below(at, below) => {
            let path = string(thread, args[below])?;
            match descriptor(args[at]) {
                libc::AT_FDCWD => folder(thread, "cwd").join(path),
                number => folder(thread, &format!("fd/{number}")).join(path),
            }
        }
    };
    Some(Change { call: call.name, path })
}

/// The low half of a register, as the kernel takes an `int`.
#[expect(clippy::cast_possible_truncation, reason = "the kernel does the same")]
fn descriptor(argument: u64) -> i32 {
    argument as i32
}

/// The path of an open file; `None` for a pipe, a socket or the like.
fn open_file(thread: Pid, number: u64) -> Option<PathBuf> {
    let target = fs::read_link(format!("/proc/{thread}/fd/{}", descriptor(number))).ok()?;
    target.is_absolute().then_some(target)
}

fn folder(thread: Pid, name: &str) -> PathBuf {
    fs::read_link(format!("/proc/{thread}/{name}")).unwrap_or_else(|_| Path::new("/").to_owned())
}

/// The string at an address of the program, page by page: the next page may not be there.
fn string(thread: Pid, address: u64) -> Option<PathBuf> {
    const PAGE: usize = 4096;
    let memory = File::open(format!("/proc/{thread}/mem")).ok()?;
    let mut bytes = Vec::new();
    while bytes.len() < 4 * PAGE {
        let at = address + bytes.len() as u64;
        let mut page = vec![0; PAGE - usize::try_from(at % PAGE as u64).ok()?];
        memory.read_exact_at(&mut page, at).ok()?;
        let end = page.iter().position(|byte| *byte == 0);
        bytes.extend(&page[..end.unwrap_or(page.len())]);
        if end.is_some() {
            return Some(std::ffi::OsString::from_vec(bytes).into());
        }
    }
    None
}
