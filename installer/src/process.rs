//! The one place that starts programs: each in a process group of its own, with a deadline and bounded output, and told
//! to end when we are gone.
//!
//! `unsafe`: what a child does between fork and exec.
#![allow(unsafe_code, reason = "pre_exec is unsafe; what it runs is two system calls")]

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getpid, getppid};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// Bytes that are kept of each stream: the values of a release are some KiB.
const MOST: u64 = 8 << 20;

/// A program and what it is told.
#[derive(Debug)]
pub struct Job<'a> {
    /// Its name, to be looked for in `PATH`, or its path.
    pub program: &'a str,
    /// Arguments.
    pub arguments: Vec<OsString>,
    /// Variables beside those that we have.
    pub variables: Vec<(String, String)>,
    /// How long it may take.
    pub deadline: Duration,
}

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// No such program.
    #[error("{program} is not installed, or not in PATH")]
    Missing {
        /// Its name.
        program: String,
    },
    /// It cannot be started.
    #[error("{program} cannot be started: {source}")]
    Start {
        /// Its name.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// It did not end, and was killed with everything that it had started.
    #[error("{program} did not end within {} s and was killed", deadline.as_secs())]
    Late {
        /// Its name.
        program: String,
        /// The deadline.
        deadline: Duration,
    },
    /// It said no.
    #[error("{program} failed ({status}): {said}")]
    Failed {
        /// Its name.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The end of what it said on standard error.
        said: String,
    },
}

impl Job<'_> {
    /// Runs it to its end, and gives its standard output.
    pub async fn run(self) -> Result<Vec<u8>, JobError> {
        let program = self.program.to_owned();
        let mut command = Command::new(&program);
        command.args(&self.arguments).envs(self.variables).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        ends_with_us(&mut command);
        let mut child = command.spawn().map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => JobError::Missing { program: program.clone() },
            _ => JobError::Start { program: program.clone(), source },
        })?;
        let group = child.id();
        let (out, complaints) = (child.stdout.take(), child.stderr.take());
        let work = async { tokio::join!(child.wait(), all(out), all(complaints)) };
        let Ok((status, out, complaints)) = tokio::time::timeout(self.deadline, work).await else {
            if let Some(group) = group.and_then(|group| i32::try_from(group).ok()) {
                // It may have ended at this very moment.
                let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
            }
            return Err(JobError::Late { program, deadline: self.deadline });
        };
        let status = status.map_err(|source| JobError::Start { program: program.clone(), source })?;
        if status.success() {
            return Ok(out);
        }
        Err(JobError::Failed { program, status, said: ending(&complaints) })
    }
}

/// The program gets SIGTERM when this process ends in whatever way. An upgrade of helm's then writes down that it has
/// failed (Helm 4.3, `pkg/cmd/upgrade.go`); by SIGKILL it would leave its record as that of somebody at work.
fn ends_with_us(command: &mut Command) {
    let parent = getpid();
    // SAFETY: between fork and exec only prctl and getppid are called, which are async-signal-safe.
    unsafe {
        command.pre_exec(move || {
            prctl::set_pdeathsig(Signal::SIGTERM)?;
            // Who died before that call sends nothing any more.
            if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
        });
    }
}

/// All that comes; what is more than `MOST` is read and thrown away, so that nobody waits for us.
async fn all(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // A stream that breaks is one that ended.
        let _ = (&mut stream).take(MOST).read_to_end(&mut bytes).await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
    bytes
}

/// The last lines, on one.
fn ending(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(5)..).unwrap_or_default();
    last.join("; ").chars().take(2000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(program: &str, words: &[&str], deadline: Duration) -> Result<String, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let arguments = words.iter().map(Into::into).collect();
        let job = Job { program, arguments, variables: vec![("SAID".to_owned(), "x".to_owned())], deadline };
        let said = runtime.block_on(job.run());
        said.map(|out| String::from_utf8(out).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn output_and_failures_are_told() {
        let long = Duration::from_secs(60);
        assert_eq!(run("sh", &["-c", "echo $SAID"], long).unwrap(), "x\n");
        let error = run("sh", &["-c", "echo no >&2; exit 3"], long).unwrap_err();
        assert!(error.contains("exit status: 3") && error.ends_with("no"), "{error}");
        assert_eq!(
            run("no-such-helm", &[], long).unwrap_err(),
            "no-such-helm is not installed, or not in PATH"
        );
    }

    #[test]
    fn who_is_late_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait", file.display());
        let mut deadline = Duration::from_millis(300);
        let pid = loop {
            let error = run("sh", &["-c", &script], deadline).unwrap_err();
            assert!(error.contains("was killed"), "{error}");
            match std::fs::read_to_string(&file) {
                Ok(pid) => break pid,
                // A busy machine has not come so far.
                Err(_) => deadline *= 2,
            }
        };
        let status = format!("/proc/{}/stat", pid.trim());
        // Nobody waits for it but init; a zombie is dead, too.
        let alive = || std::fs::read_to_string(&status).is_ok_and(|text| !text.contains(") Z "));
        let until = std::time::Instant::now() + Duration::from_secs(60);
        while alive() {
            assert!(std::time::Instant::now() < until, "the grandchild lives on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
