//! Follows a program through the kernel's eyes: every change it makes to a file system, and, where a test wants it, a
//! signal right before one of them.
#![allow(
    unsafe_code,
    reason = "ptrace(2) and prctl(2) between fork and exec; the kernel's description of a system call is a union behind a pointer"
)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot trace has failed")]

mod calls;
mod filter;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// One system call that changes a file system, seen before it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name: `rename`, `write`, `fsync`.
    pub call: &'static str,
    /// What it changes; for a rename, the old name.
    pub path: PathBuf,
}

/// A run that was followed to its end.
#[derive(Debug)]
pub struct Traced {
    /// The changes that counted, in order; the last one was not made where SIGKILL came before it.
    pub changes: Vec<Change>,
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
}

/// Sends `signal` right before the change number `at`, from 1.
///
/// SIGKILL comes when every thread waits, or is about to make a change that counts itself: what does not count is
/// never cut in the middle.
#[derive(Clone, Copy, Debug)]
pub struct Strike {
    /// Which of the changes that count.
    pub at: usize,
    /// SIGKILL keeps the change from happening.
    pub signal: Signal,
}

/// Runs `command` with all its threads and children; only changes for which `counts` is true are counted and kept.
///
/// # Panics
/// When the program cannot be started or traced.
pub fn run(command: &mut Command, strike: Option<Strike>, counts: impl Fn(&Change) -> bool) -> Traced {
    let mut tracer = Tracer { leader: start(command), changes: Vec::new(), held: BTreeSet::new() };
    go_on(tracer.leader, None);
    loop {
        match tracer.next() {
            WaitStatus::PtraceEvent(thread, _, libc::PTRACE_EVENT_SECCOMP | libc::PTRACE_EVENT_EXEC) => {
                let counted = change(thread).filter(|change| counts(change));
                if !counted.is_some_and(|change| tracer.stays(thread, change, strike)) {
                    go_on(thread, None);
                }
            }
            // A new thread begins with a SIGSTOP that is not meant for it.
            WaitStatus::PtraceEvent(thread, ..) | WaitStatus::Stopped(thread, Signal::SIGSTOP) => {
                go_on(thread, None);
            }
            WaitStatus::Stopped(thread, signal) => go_on(thread, Some(signal)),
            WaitStatus::Exited(process, code) if process == tracer.leader => {
                return Traced { changes: tracer.changes, code: Some(code) };
            }
            WaitStatus::Signaled(process, ..) if process == tracer.leader => {
                return Traced { changes: tracer.changes, code: None };
            }
            _ => {}
        }
    }
}

struct Tracer {
    leader: Pid,
    changes: Vec<Change>,
    /// Threads that are kept from their next change, since SIGKILL is to come.
    held: BTreeSet<Pid>,
}

impl Tracer {
    /// What happens next. Where SIGKILL is due it is sent as soon as nothing moves any more.
    fn next(&self) -> WaitStatus {
        // Only this thread's children: other tests of this process have their own.
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        let mut quiet = 0;
        while !self.held.is_empty() {
            match waitpid(None, Some(flags | WaitPidFlag::WNOHANG)).unwrap() {
                WaitStatus::StillAlive if self.is_quiet() => quiet += 1,
                WaitStatus::StillAlive => quiet = 0,
                status => return status,
            }
            if quiet == QUIET_LOOKS {
                kill(self.leader, Signal::SIGKILL).unwrap();
                break;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        waitpid(None, Some(flags)).unwrap()
    }

    /// Notes a change; says whether the thread is to be kept from it.
    fn stays(&mut self, thread: Pid, change: Change, strike: Option<Strike>) -> bool {
        if self.held.is_empty() {
            self.changes.push(change);
            match strike.filter(|strike| strike.at == self.changes.len()) {
                Some(Strike { signal: Signal::SIGKILL, .. }) => {}
                Some(Strike { signal, .. }) => {
                    to_leader(self.leader, signal);
                    return false;
                }
                None => return false,
            }
        }
        self.held.insert(thread);
        true
    }

    /// Whether each thread that is not held sleeps in the kernel, where it waits for another.
    fn is_quiet(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.leader)).into_iter().flatten().flatten();
        threads.filter_map(|thread| thread.file_name().to_str()?.parse().ok()).map(Pid::from_raw).all(
            |thread| {
                let status = fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
                self.held.contains(&thread) || status.contains("State:\tS")
            },
        )
    }
}

/// Looks, 200 µs apart, at which nothing moved.
const QUIET_LOOKS: u32 = 3;

#[allow(clippy::zombie_processes, reason = "`waitpid` waits for it, with its threads")]
fn start(command: &mut Command) -> Pid {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let filter = filter::program();
    // SAFETY: between fork and exec only ptrace(2) and prctl(2) are called, which are async-signal-safe; no memory is
    // taken.
    unsafe {
        command.pre_exec(move || {
            ptrace::traceme()?;
            filter::install(&filter)
        });
    }
    let leader = Pid::from_raw(command.spawn().unwrap().id().cast_signed());
    let first = waitpid(leader, Some(WaitPidFlag::__WALL)).unwrap();
    assert_eq!(first, WaitStatus::Stopped(leader, Signal::SIGTRAP));
    let options = Options::PTRACE_O_TRACESECCOMP
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_EXITKILL;
    ptrace::setoptions(leader, options).unwrap();
    leader
}

/// A signal to the first thread, which is resumed only with it. One to the process goes to any thread that is not
/// stopped at that moment, and a thread that waits for nothing may be the last that is looked at.
fn to_leader(process: Pid, signal: Signal) {
    let number = process.as_raw();
    // SAFETY: tgkill(2) takes three numbers and no memory.
    let result = unsafe { nix::libc::syscall(nix::libc::SYS_tgkill, number, number, signal as i32) };
    assert_eq!(result, 0, "tgkill: {}", std::io::Error::last_os_error());
}

fn go_on(thread: Pid, signal: Option<Signal>) {
    match ptrace::cont(thread, signal) {
        // ESRCH: it was killed meanwhile; the next wait tells.
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => panic!("cannot go on with {thread}: {error}"),
    }
}

/// The change that a thread is about to make, or the program that it has just become.
fn change(thread: Pid) -> Option<Change> {
    // SAFETY: the structure is plain numbers, for which zero is a value.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    // nix 0.30's own wrapper does not pass the size, and the kernel then fills nothing.
    // SAFETY: the kernel writes at most as many bytes as the third argument says, which is the structure's size.
    let got = unsafe {
        libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, thread.as_raw(), size_of_val(&info), &raw mut info)
    };
    if got <= 0 || info.op != libc::PTRACE_SYSCALL_INFO_SECCOMP {
        let path = fs::read_link(format!("/proc/{thread}/exe")).ok()?;
        return Some(Change { call: "exec", path });
    }
    // SAFETY: `op` says that `seccomp` is the part of the union that the kernel has filled.
    let call = unsafe { info.u.seccomp };
    calls::change(thread, call.nr.cast_signed(), call.args)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::program;

    const SCRIPT: &str = "echo x > a; mv a b; mkdir c; ln -s b c/d; cat b; rm b";

    fn shell(folder: &std::path::Path, strike: Option<Strike>) -> Traced {
        let folder = folder.canonicalize().unwrap();
        let mut command = program("sh");
        command.args(["-c", SCRIPT]).current_dir(&folder);
        run(&mut command, strike, |change| change.path.starts_with(&folder))
    }

    #[test]
    fn every_change_is_seen_and_what_is_only_read_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let traced = shell(dir.path(), None);
        let calls: Vec<_> = traced.changes.iter().map(|change| change.call).collect();
        assert_eq!(calls, ["open", "write", "rename", "mkdir", "link", "unlink"]);
        assert_eq!(traced.code, Some(0));
        let leaf = |at: usize| traced.changes[at].path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!([leaf(0), leaf(2), leaf(4)], ["a", "a", "d"]);
    }

    #[test]
    fn sigkill_keeps_the_change_from_happening() {
        let dir = tempfile::tempdir().unwrap();
        let strike = Strike { at: 2, signal: Signal::SIGKILL };
        let traced = shell(dir.path(), Some(strike));
        assert_eq!((traced.code, traced.changes.len()), (None, 2));
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"");
    }

    #[test]
    fn programs_that_are_started_are_seen() {
        let mut command = program("sh");
        let traced =
            run(command.args(["-c", "true; /bin/true; exit 7"]), None, |change| change.call == "exec");
        assert_eq!((traced.code, traced.changes.len()), (Some(7), 1), "{:?}", traced.changes);
    }
}
