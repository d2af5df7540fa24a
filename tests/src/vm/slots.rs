//! How many virtual machines run at the same time on this machine, over all test programs.

use std::fs::File;
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

use super::error::at;
use super::{Error, cache};

/// The right to run one virtual machine; given back on drop, also by a test program that is killed.
pub(super) struct Slot(#[expect(dead_code, reason = "held for its lock")] Flock<File>);

/// Waits until fewer virtual machines than half the processors run: each has two, and under emulation uses them.
pub(super) fn take() -> Result<Slot, Error> {
    let folder = cache::folder()?;
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let slots = u32::try_from(processors / 2).unwrap_or(1).max(1);
    for slot in 0..slots {
        if let Ok(lock) = lock(&folder.join(format!("slot-{slot}.lock")), FlockArg::LockExclusiveNonblock) {
            return Ok(Slot(lock));
        }
    }
    let queue = std::process::id() % slots;
    lock(&folder.join(format!("slot-{queue}.lock")), FlockArg::LockExclusive).map(Slot)
}

/// An exclusive lock on a file that is made if it is not there.
pub(crate) fn lock(path: &Path, how: FlockArg) -> Result<Flock<File>, Error> {
    let file = File::create(path).map_err(at(path))?;
    Flock::lock(file, how).map_err(|(_, errno)| at(path)(errno.into()))
}
