//! One run of QEMU, from power on to power off.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;

use super::Error;
use super::error::at;
use crate::keeper::Keeper;

/// A running QEMU. To drop it is to power off without warning: nothing that the guest still holds in its memory reaches a
/// disk.
pub(super) struct Qemu {
    _keeper: Keeper,
}

impl Qemu {
    /// Starts QEMU with `arguments`, its complaints in the file `log`, and gives the host's end of the control
    /// channel, which reaches its end when QEMU does. In `arguments`, the other end is file descriptor 0.
    pub(super) fn start(arguments: Vec<String>, log: &Path) -> Result<(Self, UnixStream), Error> {
        const QEMU: &str = "qemu-system-x86_64";
        let failed =
            |error: std::io::Error| Error::Program { program: QEMU.to_owned(), detail: error.to_string() };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let log = File::create(log).map_err(at(log))?;
        let keeper = Keeper::start("qemu", QEMU, |command| {
            command.args(arguments).stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(log);
        });
        Ok((Self { _keeper: keeper.map_err(failed)? }, ours))
    }
}
