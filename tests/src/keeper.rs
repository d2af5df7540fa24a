//! A process that never outlives the test program, however that ends.

use std::ffi::OsStr;
use std::io;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A running process; killed on drop, without warning: nothing that it holds is wanted any more.
pub(crate) struct Keeper {
    process: Pid,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Lets `dress` say how `program` is started, and starts it.
    ///
    /// setpriv has the kernel kill it when its starter is gone. To the kernel that is the thread which started it, so a
    /// thread, called `name`, is kept for as long as the process runs.
    pub(crate) fn start(
        name: &str,
        program: impl AsRef<OsStr>,
        dress: impl FnOnce(&mut Command),
    ) -> io::Result<Self> {
        let mut command = crate::vm::programs::program("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program);
        dress(&mut command);
        let (report, started) = mpsc::channel();
        let thread =
            std::thread::Builder::new().name(name.to_owned()).spawn(move || keep(command, &report))?;
        let process = started.recv().map_err(|_| io::Error::other("its thread ended"))??;
        Ok(Self { process, thread: Some(thread) })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.as_raw().cast_unsigned()
    }

    /// Whether it has not ended by itself.
    pub(crate) fn runs(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

fn keep(mut command: Command, report: &mpsc::Sender<io::Result<Pid>>) {
    let child = command.spawn();
    // With it go our copies of the files that are the process's now.
    drop(command);
    // A receiver that is gone would be `start` returned early, which it does not before this.
    match child {
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
