//! How many virtual machines run at the same time on this machine, over all test programs.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::error::at;
use super::{Error, cache};

/// The right to run one virtual machine; given back on drop, also by a test program that is killed.
pub(super) struct Slot(#[expect(dead_code, reason = "held for its lock")] Flock<File>);

/// How often a machine that waits for its turn asks again.
const ASK: Duration = Duration::from_millis(200);

/// Waits until fewer virtual machines than there are processors run: each has one, and under emulation uses it.
pub(super) fn take() -> Result<Slot, Error> {
    let folder = cache::folder()?;
    let slots = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    loop {
        for slot in 0..slots {
            let path = folder.join(format!("slot-{slot}.lock"));
            match Flock::lock(File::create(&path).map_err(at(&path))?, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Slot(lock)),
                Err((_, Errno::EWOULDBLOCK)) => {}
                Err((_, errno)) => return Err(at(&path)(errno.into())),
            }
        }
        std::thread::sleep(ASK);
    }
}

/// An exclusive lock on a file that is made if it is not there.
pub(crate) fn lock(path: &Path, how: FlockArg) -> Result<Flock<File>, Error> {
    let file = File::create(path).map_err(at(path))?;
    Flock::lock(file, how).map_err(|(_, errno)| at(path)(errno.into()))
}
