//! The only door to the machine: read, write, run. Rooted at a folder, so that the same code works on `/`, on the
//! tree of an image that is being baked, and on the machine that `demo` builds.

mod cancel;
mod command;
mod files;
mod process;
mod program;
mod timeline;
mod tree;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gpunode_host::Root;

pub(crate) use cancel::Cancel;
pub(crate) use command::{Cmd, Output, RunError};
pub(crate) use files::{FileSpec, Lasting, WriteError};
pub(crate) use process::Processes;
pub(crate) use timeline::{Ran, microseconds};

/// Something that can start programs: real processes, or the machine of `demo`.
pub(crate) trait Exec: Send + Sync {
    /// Runs `command` to its end; `cancel` ends it early.
    fn run(&self, command: &Cmd, cancel: &Cancel) -> Result<Output, RunError>;
    /// Whether `program` can be started.
    fn has(&self, program: &str) -> bool;
    /// Where the block device of this name is opened; `None`: below `/dev` of the file tree.
    fn device(&self, _name: &str) -> Option<PathBuf> {
        None
    }
}

/// The machine, as one step sees it: its file tree, its programs, and the step's own cancellation.
#[derive(Clone)]
pub(crate) struct Os {
    root: Root,
    exec: Arc<dyn Exec>,
    cancel: Cancel,
    timeline: timeline::Timeline,
}

impl Os {
    pub(crate) fn new(root: Root, exec: Arc<dyn Exec>) -> Self {
        Self { root, exec, cancel: Cancel::default(), timeline: timeline::Timeline::new() }
    }

    /// The running machine, or the tree at `root` with programs run inside it by chroot.
    pub(crate) fn real(root: Root) -> Self {
        let exec = Arc::new(Processes::in_root(&root));
        Self::new(root, exec)
    }

    /// The same machine with a cancellation and a list of commands of its own, for one step.
    pub(crate) fn for_step(&self, cancel: Cancel) -> Self {
        Self { cancel, timeline: self.timeline.for_step(), ..self.clone() }
    }

    /// Time since this door was opened, which is the begin of the run.
    pub(crate) fn now(&self) -> Duration {
        self.timeline.now()
    }

    /// The commands that this step has run so far.
    pub(crate) fn ran(&self) -> Vec<Ran> {
        self.timeline.ran()
    }

    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// Runs a command; an exit status other than 0 is an error.
    pub(crate) fn run(&self, command: &Cmd) -> Result<Output, RunError> {
        let output = self.run_any(command)?;
        if output.code == 0 { Ok(output) } else { Err(RunError::failed(command, output)) }
    }

    /// Runs a command whose exit status is an answer.
    pub(crate) fn run_any(&self, command: &Cmd) -> Result<Output, RunError> {
        if self.cancel.is_set() {
            return Err(RunError::Cancelled { command: command.line() });
        }
        let started = self.now();
        let result = self.exec.run(command, &self.cancel);
        self.timeline.note(command, started);
        tracing::debug!(
            command = command.line(),
            elapsed_ms = gpunode_host::millis(self.now().saturating_sub(started)),
            ok = result.is_ok(),
            "command"
        );
        result
    }

    /// The path at which a block device is opened.
    pub(crate) fn device(&self, name: &str) -> PathBuf {
        self.exec.device(name).unwrap_or_else(|| self.root.follow(format!("/dev/{name}")))
    }

    /// Whether the step was told to end.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_set()
    }

    pub(crate) fn has_program(&self, program: &str) -> bool {
        self.exec.has(program)
    }
}

/// How long a command may take when nothing says otherwise. Commands here change one thing each; the slowest that
/// is usual, `mkfs.xfs` on 30 TB without discard, takes under 5 s.
pub(crate) const COMMAND_DEADLINE: Duration = Duration::from_secs(60);
