//! Runs the agent as a person or a unit would, in an environment that holds nothing but what the test put there.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot start its program has failed")]

use std::ffi::OsStr;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::binary;
use crate::report::Report;

/// Far beyond what any of these runs takes; only a run that hangs gets there.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder for a machine, on a tmpfs where there is one: a run syncs some hundred files.
///
/// # Panics
/// When there is no room for it.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("gpunode-test-").tempdir_in(place).unwrap()
}

/// A machine of `kind` on which nothing was done yet.
///
/// # Panics
/// When the agent cannot build it.
pub fn fresh_machine(kind: &str) -> TempDir {
    let dir = folder();
    let run = demo(dir.path(), &["--instance-type", kind, "--plan"]);
    assert_eq!(run.code, 0, "{run:?}");
    dir
}

/// `demo --json` on the machine in `dir`.
pub fn demo(dir: &Path, args: &[&str]) -> Run {
    let mut words = vec!["demo", "--json", "--dir", text(dir)];
    words.extend(args);
    run(&words)
}

/// `bootstrap --json` on the machine in `dir`, with the metadata service at `endpoint`.
pub fn bootstrap(dir: &Path, endpoint: &str, args: &[&str]) -> Command {
    let endpoint = format!("imds.endpoint={endpoint}");
    let mut command = command();
    command.args(["bootstrap", "--json", "--root", text(dir), "--set", &endpoint]);
    command.args(args);
    command
}

/// The agent with these arguments, to its end.
pub fn run<S: AsRef<OsStr>>(args: &[S]) -> Run {
    finish(command().args(args))
}

/// The agent, without arguments yet.
pub fn command() -> Command {
    program(binary::agent())
}

/// The same command, started by a program that lets SIGHUP end it, as a terminal does, or ignores it, as `nohup` does.
/// Else that is as it is for whoever started the tests.
pub fn on_hangup(command: &Command, ends: bool) -> Command {
    let mut env = program("env");
    env.arg(if ends { "--default-signal=HUP" } else { "--ignore-signal=HUP" });
    env.arg(command.get_program()).args(command.get_args());
    env.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    env
}

/// Any program, in an empty environment.
#[expect(clippy::disallowed_methods, reason = "a test's programs are not the product's")]
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
pub fn finish(command: &mut Command) -> Run {
    Started::new(command).finish()
}

/// A path as an argument.
///
/// # Panics
/// When it is not UTF-8.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A run that has not ended; it is killed when dropped.
#[derive(Debug)]
pub struct Started(Child);

impl Started {
    /// Starts a command.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn new(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the process has been waited for.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().cast_signed()), signal).unwrap();
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it hangs.
    pub fn finish(mut self) -> Run {
        let stdout = drain(self.0.stdout.take());
        let stderr = drain(self.0.stderr.take());
        let started = Instant::now();
        let status = loop {
            match self.0.try_wait().unwrap() {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(2)),
            }
            if started.elapsed() > PATIENCE {
                let _ = self.0.kill();
                panic!("hangs: {}", stderr.join().unwrap());
            }
        };
        Run {
            code: status.code().unwrap_or(-1),
            stdout: stdout.join().unwrap(),
            stderr: stderr.join().unwrap(),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn drain(stream: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What a run printed and how it ended.
#[derive(Clone)]
pub struct Run {
    /// The exit code; -1 where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.stdout.lines().last().unwrap_or_default();
        write!(f, "exit code {}\n{}{last}", self.code, self.stderr)
    }
}

impl Run {
    /// The report: the last line of `--json`.
    ///
    /// # Panics
    /// When the last line is none.
    pub fn report(&self) -> Report {
        let last = self.stdout.lines().last().unwrap_or_default();
        let line: Value =
            serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in the last line of {self:?}"));
        assert_eq!(line["event"], "report", "{last}");
        Report(line["report"].clone())
    }
}

/// Waits until something is so that another process brings about.
///
/// # Panics
/// When it does not come.
pub fn wait_until(what: &str, so: impl Fn() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
