//! Real processes: each in its own process group, with a deadline, dying with the agent.
#![allow(unsafe_code, reason = "what happens between fork and exec has no safe interface: pre_exec")]
#![allow(clippy::disallowed_methods, reason = "this is the one place that starts programs")]

use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use gpunode_host::Root;
use nix::sys::prctl;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, chdir, chroot};

use super::{Cancel, Cmd, Exec, Output, RunError};

/// What is kept of each output stream, in bytes. The rest is read and thrown away, so that no program blocks on us.
pub(super) const MAX_OUTPUT: usize = 64 << 10;

/// Where programs are looked for. Fixed, since user data and systemd hand over different ones.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How long a killed process may take to be gone. One that takes longer waits for hardware inside the kernel, and
/// no signal reaches it there.
const REAP: Duration = Duration::from_secs(2);

/// Starts programs on this machine, in the file tree they belong to.
pub(crate) struct Processes {
    root: Root,
}

impl Processes {
    pub(crate) fn in_root(root: &Root) -> Self {
        Self { root: root.clone() }
    }

    fn spawn(&self, command: &Cmd) -> io::Result<Child> {
        let mut process = Command::new(&command.program);
        process.args(&command.args).env_clear().env("PATH", PATH).env("LC_ALL", "C");
        process.envs(command.env.iter().map(|(name, value)| (name, value)));
        process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let root = (!self.root.is_host()).then(|| self.root.path().to_owned());
        // SAFETY: between fork and exec only prctl, chroot and chdir are called, which are async-signal-safe; the
        // closure takes no lock, and the path it uses was allocated before the fork.
        unsafe {
            process.pre_exec(move || {
                // A mkfs that outlives a killed agent would race with the next run.
                prctl::set_pdeathsig(Signal::SIGKILL)?;
                if let Some(root) = &root {
                    chroot(root)?;
                    chdir("/")?;
                }
                Ok(())
            });
        }
        process.spawn()
    }
}

impl Exec for Processes {
    fn run(&self, command: &Cmd, cancel: &Cancel) -> Result<Output, RunError> {
        if !self.has(&command.program) {
            return Err(RunError::NotFound { program: command.program.clone() });
        }
        let mut child =
            self.spawn(command).map_err(|source| RunError::Start { command: command.line(), source })?;
        let group = Pid::from_raw(child.id().cast_signed());
        cancel.register(group);
        let stdout = drain(child.stdout.take());
        let stderr = drain(child.stderr.take());
        let waited = wait(child, group, command);
        cancel.forget(group);
        let status = waited?;
        if cancel.is_set() {
            return Err(RunError::Cancelled { command: command.line() });
        }
        // A grandchild may still hold the pipes; what it says after the program's end is of no interest.
        let text = |stream: mpsc::Receiver<String>| stream.recv_timeout(REAP).unwrap_or_default();
        Ok(Output { code: exit_code(status), stdout: text(stdout), stderr: text(stderr) })
    }

    fn has(&self, program: &str) -> bool {
        let folders = PATH.split(':').map(|folder| PathBuf::from(folder).join(program));
        let mut candidates =
            if program.contains('/') { vec![PathBuf::from(program)] } else { folders.collect() };
        candidates.retain(|path| {
            self.root.metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
        });
        !candidates.is_empty()
    }
}

/// Waits for the end of the process. The thread that called stays alive meanwhile, which matters: the kernel sends
/// the parent-death signal when the *thread* that forked ends.
fn wait(mut child: Child, group: Pid, command: &Cmd) -> Result<ExitStatus, RunError> {
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || {
        let _ = sender.send(child.wait());
    });
    let late = |stuck| RunError::Deadline { command: command.line(), deadline: command.deadline, stuck };
    match ended.recv_timeout(command.deadline) {
        Ok(status) => status.map_err(|source| RunError::Start { command: command.line(), source }),
        Err(RecvTimeoutError::Timeout) => {
            let _ = killpg(group, Signal::SIGKILL);
            Err(late(ended.recv_timeout(REAP).is_err()))
        }
        Err(RecvTimeoutError::Disconnected) => Err(late(true)),
    }
}

fn drain(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, text) = mpsc::channel();
    if let Some(mut stream) = stream {
        thread::spawn(move || {
            let mut kept = Vec::new();
            let _ = stream.by_ref().take(MAX_OUTPUT as u64).read_to_end(&mut kept);
            let _ = io::copy(&mut stream, &mut io::sink());
            let _ = sender.send(String::from_utf8_lossy(&kept).into_owned());
        });
    }
    text
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn processes() -> Processes {
        Processes::in_root(&Root::new("/"))
    }

    #[test]
    fn output_and_status_come_back() {
        let command = Cmd::new("sh").args(["-c", "echo out; echo err >&2; exit 7"]);
        let output = processes().run(&command, &Cancel::default()).unwrap();
        assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (7, "out\n", "err\n"));
    }

    #[test]
    fn a_hanging_group_is_killed_at_its_deadline() {
        let command =
            Cmd::new("sh").args(["-c", "sleep 600 & sleep 600"]).deadline(Duration::from_millis(100));
        let error = processes().run(&command, &Cancel::default()).unwrap_err();
        assert!(matches!(error, RunError::Deadline { stuck: false, .. }), "{error}");
    }

    #[test]
    fn a_flood_of_output_neither_blocks_nor_grows() {
        let command = Cmd::new("sh").args(["-c", "head -c 10000000 /dev/zero | tr '\\0' x"]);
        let output = processes().run(&command, &Cancel::default()).unwrap();
        assert_eq!((output.code, output.stdout.len()), (0, MAX_OUTPUT));
    }

    #[test]
    fn cancelling_ends_a_command_that_runs() {
        let cancel = Cancel::default();
        let other = cancel.clone();
        let started = Instant::now();
        let command = Cmd::new("sh").args(["-c", "sleep 600"]).deadline(Duration::from_secs(600));
        let runner = thread::spawn(move || processes().run(&command, &other));
        cancel.set();
        let error = runner.join().unwrap().unwrap_err();
        assert!(matches!(error, RunError::Cancelled { .. }), "{error} after {:?}", started.elapsed());
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = processes().run(&Cmd::new("mkfs.nothing"), &Cancel::default()).unwrap_err();
        assert_eq!(error.to_string(), "`mkfs.nothing` is not installed");
    }
}
