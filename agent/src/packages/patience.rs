//! Again, where that helps: for a lock until the wait is over, for a repository a few times.

use std::thread;
use std::time::{Duration, Instant};

use gpunode_host::driver::Manager;
use uuid::Uuid;

use super::trouble::Trouble;
use super::{PackageError, Packages, apt};
use crate::os::{Cmd, Output};

/// How often a repository is asked in all. dnf and apt themselves ask a server again, but not for an error that it
/// answers with.
const TRIES: u32 = 4;
/// The pause before the second try; it doubles.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two looks at a lock.
const LOOK: Duration = Duration::from_millis(700);
/// How finely a pause is cut, so that a step that is ended ends.
const SLICE: Duration = Duration::from_millis(100);

/// Runs the command; whatever its exit code, what it printed decides.
pub(super) fn run(packages: &Packages<'_>, doing: &str, command: &Cmd) -> Result<Output, PackageError> {
    let began = Instant::now();
    let mut tries = 0;
    let mut repaired = false;
    loop {
        tries += 1;
        let error = match once(packages, doing, command) {
            Ok(output) => return Ok(output),
            Err(error) => error,
        };
        let pause = match error.trouble() {
            Trouble::Locked if began.elapsed() < packages.lock => LOOK,
            Trouble::Repository if tries < TRIES => PAUSE * 2_u32.pow(tries - 1),
            Trouble::Interrupted if packages.manager == Manager::Apt && !repaired => {
                repaired = true;
                apt::repair(packages)?;
                Duration::ZERO
            }
            _ => return Err(error),
        };
        tracing::warn!(error = crate::step::chain(&error), "once more");
        rest(packages, jitter(pause));
        if packages.os.is_cancelled() {
            return Err(error);
        }
    }
}

fn once(packages: &Packages<'_>, doing: &str, command: &Cmd) -> Result<Output, PackageError> {
    let run = packages.os.run_any(command);
    let output = run.map_err(|source| PackageError::Run { doing: doing.to_owned(), source })?;
    if output.code == 0 { Ok(output) } else { Err(PackageError::said(doing, &output)) }
}

/// Up to half as long again, so that a thousand nodes that start together do not come back together.
fn jitter(pause: Duration) -> Duration {
    let [byte, ..] = Uuid::new_v4().into_bytes();
    pause + pause * u32::from(byte) / 512
}

fn rest(packages: &Packages<'_>, pause: Duration) {
    let until = Instant::now() + pause;
    while !packages.os.is_cancelled() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        thread::sleep(left.min(SLICE));
    }
}
