//! One run of QEMU, from power on to power off.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Error;
use super::error::at;
use super::programs::program;

/// A running QEMU; killed on drop.
pub(super) struct Qemu {
    process: Pid,
    keeper: Option<JoinHandle<()>>,
}

impl Qemu {
    /// Starts QEMU with `arguments`, its complaints in the file `log`, and gives the host's end of the control
    /// channel, which reaches its end when QEMU does. In `arguments`, the other end is file descriptor 0.
    pub(super) fn start(arguments: Vec<String>, log: &Path) -> Result<(Self, UnixStream), Error> {
        let failed = |detail: String| Error::Program { program: "qemu-system-x86_64".to_owned(), detail };
        let (ours, theirs) = UnixStream::pair().map_err(|error| failed(error.to_string()))?;
        // setpriv: the kernel kills QEMU when its starter is gone, so a test program that is killed leaves none behind.
        let mut command = program("setpriv");
        command
            .args(["--pdeathsig", "KILL", "qemu-system-x86_64"])
            .args(arguments)
            .stdin(OwnedFd::from(theirs))
            .stdout(std::process::Stdio::null())
            .stderr(File::create(log).map_err(at(log))?);
        let (report, started) = mpsc::channel();
        let keeper = std::thread::Builder::new()
            .name("qemu".to_owned())
            .spawn(move || keep(command, &report))
            .map_err(|error| failed(error.to_string()))?;
        let process = started
            .recv()
            .map_err(|_| failed("its thread ended".to_owned()))?
            .map_err(|error| failed(error.to_string()))?;
        let qemu = Self { process, keeper: Some(keeper) };
        Ok((qemu, ours))
    }
}

/// "Its starter" is to the kernel the thread that started it, so this thread stays for as long as QEMU does.
fn keep(mut command: Command, report: &mpsc::Sender<std::io::Result<Pid>>) {
    let child = command.spawn();
    // With it goes our copy of QEMU's end of the control channel.
    drop(command);
    // A receiver that is gone would be `start` returned early, which it does not before this.
    match child {
        Ok(child) => {
            let _ = report.send(Ok(id(&child)));
            let mut child = child;
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

impl Drop for Qemu {
    /// Power off without warning: nothing that the guest still holds in its memory reaches a disk.
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            if !keeper.is_finished() {
                // It may end by itself right now; then there is nothing to do.
                let _ = kill(self.process, Signal::SIGKILL);
            }
            let _ = keeper.join();
        }
    }
}
