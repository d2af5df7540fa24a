//! A server process that never outlives the test program, however that ends.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Error;
use super::error::at;

/// A running server; ended on drop.
pub(super) struct Keeper {
    name: &'static str,
    process: Pid,
    log: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts `program` with what it prints in the file `log`.
    ///
    /// setpriv has the kernel kill it when its starter is gone. That is the thread which started it, so a thread is
    /// kept for as long as the server runs.
    pub(super) fn start(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        log: PathBuf,
    ) -> Result<Self, Error> {
        let mut command = super::tools::program("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program).args(arguments);
        let out = File::create(&log).map_err(at(&log))?;
        command.stderr(Stdio::from(out.try_clone().map_err(at(&log))?)).stdout(Stdio::from(out));
        let failed = |detail: String| Error::Program { program: name.to_owned(), detail };
        let (report, started) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || keep(command, &report))
            .map_err(|error| failed(error.to_string()))?;
        let process = started
            .recv()
            .map_err(|_| failed("its thread ended".to_owned()))?
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { name, process, log, thread: Some(thread) })
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.process.as_raw().cast_unsigned()
    }

    /// An error with the end of its log, when it has ended by itself.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Ok(());
        }
        Err(self.failed("ended"))
    }

    /// An error with the end of its log.
    pub(super) fn failed(&self, what: &str) -> Error {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(15)..].join("\n");
        Error::Program { program: self.name.to_owned(), detail: format!("{what}; its log ends with\n{end}") }
    }
}

fn keep(mut command: Command, report: &mpsc::Sender<std::io::Result<Pid>>) {
    // A receiver that is gone would be `start` returned early, which it does not before this.
    match command.spawn() {
        Ok(mut child) => {
            let _ = report.send(Ok(id(&child)));
            let _ = child.wait();
        }
        Err(error) => {
            let _ = report.send(Err(error));
        }
    }
}

fn id(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

impl Drop for Keeper {
    /// Without warning: nothing that it holds is wanted any more.
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            if !thread.is_finished() {
                // It may end by itself right now; then there is nothing to do.
                let _ = kill(self.process, Signal::SIGKILL);
            }
            let _ = thread.join();
        }
    }
}
