//! What the probe asks of the kernel and of the C library about itself.
#![allow(unsafe_code)] // Calls of the C library that no safe crate here wraps; each says why it is sound.

use std::ffi::CStr;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

use nix::sys::time::TimeValLike as _;
use nix::time::{ClockId, clock_gettime};

/// One heap for all threads: each further one costs address space and pages of its own.
pub(crate) fn keep_memory_small() {
    // SAFETY: sets a number in the allocator; no other thread runs yet.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

/// Takes over an inherited descriptor as one that programs started by a library (`nvidia-modprobe`) do not get:
/// with them it would stay open after this process. The standard descriptors stay occupied, so that no file that
/// a library opens becomes one of them.
pub(crate) fn take(descriptor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: only borrowed for the time of the duplication, which fails with EBADF when it is not open.
    let own = unsafe { BorrowedFd::borrow_raw(descriptor) }.try_clone_to_owned()?;
    // SAFETY: it was inherited for this use alone, and nothing else in this process knows its number.
    let given = unsafe { OwnedFd::from_raw_fd(descriptor) };
    if descriptor > libc::STDERR_FILENO {
        return Ok(own);
    }
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    // SAFETY: both are open; the number stays open for good, hence it is given up just below.
    let done = unsafe { libc::dup2(null.as_raw_fd(), descriptor) };
    std::mem::forget(given);
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(own) }
}

/// A descriptor that becomes readable when the parent process ends; `None` where the kernel has no such thing or
/// the parent is out of sight. The death signal of `prctl` is no substitute: it comes when the *thread* that
/// started this process ends.
pub(crate) fn parent() -> Option<OwnedFd> {
    let parent = libc::pid_t::try_from(std::os::unix::process::parent_id()).ok().filter(|pid| *pid > 0)?;
    // SAFETY: takes two numbers, gives a new descriptor (always close-on-exec) or -1.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, parent, 0) };
    let descriptor = RawFd::try_from(descriptor).ok().filter(|number| *number >= 0)?;
    // SAFETY: new, and known to nobody else.
    Some(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Microseconds of CPU time, user and system, that the calling thread has used. `getrusage` would count in ticks of
/// the kernel, which are longer than a sweep.
pub(crate) fn thread_cpu_us() -> u64 {
    let used = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    used.ok().and_then(|used| u64::try_from(used.num_microseconds()).ok()).unwrap_or(0)
}

/// The C library, for example `glibc 2.34`.
pub(crate) fn libc_version() -> String {
    // SAFETY: gives a constant text.
    let version = unsafe { CStr::from_ptr(libc::gnu_get_libc_version()) };
    format!("glibc {}", version.to_string_lossy())
}

/// One line for people, on standard error.
pub(crate) fn complain(line: &str) {
    // When nobody reads it there is nobody to tell.
    let _ = writeln!(io::stderr(), "gpunode-probe: {line}");
}

/// Ends the process at once, without exit handlers.
pub(crate) fn leave(code: i32) -> ! {
    // SAFETY: does not return.
    unsafe { libc::_exit(code) }
}
