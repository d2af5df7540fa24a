//! A probe that runs with a fake NVML in a folder of its own.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use gpunode_fake_nvml::place;
use gpunode_probe_protocol::frame;
use gpunode_probe_protocol::gpu::{Entry, Gpu, GpuEvent, Sweep};
use gpunode_probe_protocol::library::Unusable;
use gpunode_probe_protocol::message::{Hello, Message, Registered, Request, Say, Want};
use tempfile::TempDir;

/// Against a probe that never answers, which would be a fault of the probe itself.
const PATIENCE: Duration = Duration::from_secs(60);
/// Milliseconds that a sweep of a healthy machine may take, however slow this one is.
pub(crate) const PLENTY: u32 = 30_000;

pub(crate) struct Probe {
    pub(crate) child: Child,
    pub(crate) socket: UnixStream,
    pub(crate) folder: TempDir,
    pub(crate) hello: Hello,
    unread: Vec<u8>,
    last: u32,
}

impl Probe {
    /// With the fake library and this scenario.
    pub(crate) fn start(scenario: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = place::place(folder.path(), scenario);
        Self::with_library(folder, &library)
    }

    /// With the scenario of this file in `tests/cases/nvml`.
    pub(crate) fn case(name: &str) -> Self {
        Self::start(&case(name))
    }

    /// With whatever is at this path.
    pub(crate) fn with_library(folder: TempDir, library: &Path) -> Self {
        let mut command = command(env!("CARGO_BIN_EXE_gpunode-probe"));
        command.arg("--nvml").arg(library);
        Self::run(folder, command)
    }

    /// As the child of a shell, which is what [`Self::child`] is then; on another descriptor than usual.
    pub(crate) fn start_under_a_shell(scenario: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = place::place(folder.path(), scenario);
        let mut command = command("/bin/sh");
        let script = r#"exec 3<&0 0</dev/null; "$0" --fd 3 --nvml "$1" & wait"#;
        command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_gpunode-probe")).arg(library);
        Self::run(folder, command)
    }

    fn run(folder: TempDir, mut command: Command) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        command.env_clear().stdin(Stdio::from(OwnedFd::from(theirs)));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The child's end must close with the child.
        drop(command);
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        let hello = Hello { protocol: 0, version: String::new(), libc: String::new() };
        let mut probe = Self { child, socket: ours, folder, hello, unread: Vec::new(), last: 0 };
        match probe.next() {
            Some(Message { id: 0, say: Say::Hello(hello) }) => probe.hello = hello,
            other => panic!("the first message is {other:?}"),
        }
        probe
    }

    /// Another scenario from now on.
    pub(crate) fn change(&self, scenario: &str) {
        place::change(self.folder.path(), scenario);
    }

    /// Sends a request and gives its id.
    pub(crate) fn send(&mut self, deadline_ms: u32, want: Want) -> u32 {
        self.last += 1;
        let frame = frame::encode(&Request { id: self.last, deadline_ms, want }).unwrap();
        self.socket.write_all(&frame).unwrap();
        self.last
    }

    /// The next message; `None` when the probe has ended.
    pub(crate) fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((message, length)) = frame::decode(&self.unread).unwrap() {
                self.unread.drain(..length);
                return Some(message);
            }
            let mut bytes = [0; 4096];
            match self.socket.read(&mut bytes) {
                Ok(0) => return None,
                Ok(length) => self.unread.extend_from_slice(&bytes[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no message: {error}"),
            }
        }
    }

    /// Asks, and gives the answer.
    pub(crate) fn ask(&mut self, deadline_ms: u32, want: Want) -> Say {
        let id = self.send(deadline_ms, want);
        let message = self.next().expect("the probe answers");
        assert_eq!(message.id, id, "{message:?}");
        message.say
    }

    /// A sweep, or why there is none.
    pub(crate) fn sweep(&mut self, deadline_ms: u32, skip: &[&str], slow: bool) -> Result<Sweep, Unusable> {
        let skip = skip.iter().map(ToString::to_string).collect();
        match self.ask(deadline_ms, Want::Gpus { skip, slow }) {
            Say::Gpus(answer) => answer.map(|sweep| *sweep),
            other => panic!("{other:?}"),
        }
    }

    /// A sweep with everything in it, which nothing cut short.
    pub(crate) fn whole(&mut self) -> Sweep {
        let sweep = self.sweep(PLENTY, &[], true).unwrap();
        assert_eq!(sweep.stuck, None);
        assert_eq!(sweep.count.value().copied(), u32::try_from(sweep.gpus.len()).ok());
        sweep
    }

    /// Registers for events.
    pub(crate) fn watch(&mut self, skip: &[&str]) -> Result<Vec<Registered>, Unusable> {
        match self.ask(PLENTY, Want::Events { skip: skip.iter().map(ToString::to_string).collect() }) {
            Say::Events(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// The next message, which must be an event.
    pub(crate) fn event(&mut self) -> GpuEvent {
        match self.next() {
            Some(Message { id: 0, say: Say::Event(event) }) => event,
            other => panic!("{other:?}"),
        }
    }

    /// Waits for the end, which must be near, and gives what it said on standard error.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        while self.next().is_some() {}
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let mut printed = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        assert_eq!(printed, "", "nothing is ever printed");
        (self.child.wait().unwrap(), said)
    }

    /// The calls so far of a scenario with `trace = true`.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // It may have ended already; either way nothing of it is left.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text of a scenario in `tests/cases/nvml`, in the clone that runs, which need not be the one that compiled.
pub(crate) fn case(name: &str) -> String {
    std::fs::read_to_string(cases().join(name).with_extension("toml")).unwrap()
}

/// The folder of the scenarios.
pub(crate) fn cases() -> PathBuf {
    // Cargo starts a test in the folder of its package.
    Path::new("../../tests/cases/nvml").canonicalize().unwrap()
}

fn command(program: &str) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "the program under test must not be under another's deadline"
    )]
    Command::new(program)
}

/// The GPU at this place of a sweep.
pub(crate) fn gpu(sweep: &Sweep, index: u32) -> &Gpu {
    match sweep.gpus.iter().find(|entry| entry.index() == index) {
        Some(Entry::Read(gpu)) => gpu,
        other => panic!("GPU {index}: {other:?}"),
    }
}
