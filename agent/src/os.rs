//! The only door to the machine: read, write, run. Rooted at a folder, so that the same code works on `/`, on the
//! tree of an image that is being baked, and on the machine that `demo` builds.

mod cancel;
mod command;
mod files;
mod process;

use std::sync::Arc;
use std::time::Duration;

use gpunode_host::Root;

pub(crate) use cancel::Cancel;
pub(crate) use command::{Cmd, Output, RunError};
pub(crate) use files::{FileSpec, WriteError};
pub(crate) use process::Processes;

/// Something that can start programs: real processes, or the machine of `demo`.
pub(crate) trait Exec: Send + Sync {
    /// Runs `command` to its end; `cancel` ends it early.
    fn run(&self, command: &Cmd, cancel: &Cancel) -> Result<Output, RunError>;
    /// Whether `program` can be started.
    fn has(&self, program: &str) -> bool;
}

/// The machine, as one step sees it: its file tree, its programs, and the step's own cancellation.
#[derive(Clone)]
pub(crate) struct Os {
    root: Root,
    exec: Arc<dyn Exec>,
    cancel: Cancel,
}

impl Os {
    pub(crate) fn new(root: Root, exec: Arc<dyn Exec>) -> Self {
        Self { root, exec, cancel: Cancel::default() }
    }

    /// The running machine, or the tree at `root` with programs run inside it by chroot.
    pub(crate) fn real(root: Root) -> Self {
        let exec = Arc::new(Processes::in_root(&root));
        Self::new(root, exec)
    }

    /// The same machine with a cancellation of its own, for one step.
    pub(crate) fn for_step(&self, cancel: Cancel) -> Self {
        Self { cancel, ..self.clone() }
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
        let started = std::time::Instant::now();
        let result = self.exec.run(command, &self.cancel);
        tracing::debug!(
            command = command.line(),
            elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ok = result.is_ok(),
            "command"
        );
        result
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
