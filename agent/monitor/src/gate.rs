//! Who goes first: findings about a GPU need its names, and whether a driver is missing depends on the versions.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What others wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// Drivers and libraries.
    Versions = 1,
    /// GPUs on the bus.
    GpuBus = 2,
    /// EFA devices.
    Efa = 4,
    /// A look at the GPUs, or that there is none.
    Gpus = 8,
}

/// The sources that have said their first word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<(Mutex<u8>, Condvar)>);

impl Gate {
    /// The source has said its first word.
    pub(crate) fn open(&self, first: First) {
        let (said, changed) = &*self.0;
        *said.lock().unwrap_or_else(PoisonError::into_inner) |= first as u8;
        changed.notify_all();
    }

    /// Waits for all of `first`, but no longer than `time`: one that hangs holds up nobody else.
    pub(crate) fn wait(&self, first: &[First], time: Duration) {
        let wanted = first.iter().fold(0, |all, one| all | *one as u8);
        let (said, changed) = &*self.0;
        let until = Instant::now() + time;
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        while *said & wanted != wanted {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            said = changed.wait_timeout(said, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_open_holds_nobody_up_and_who_is_not_only_for_a_while() {
        let gate = Gate::default();
        gate.open(First::GpuBus);
        gate.wait(&[First::GpuBus], Duration::from_secs(600));
        gate.wait(&[First::GpuBus, First::Efa], Duration::from_millis(5));
        let other = gate.clone();
        let thread = std::thread::spawn(move || other.wait(&[First::Efa], Duration::from_secs(600)));
        gate.open(First::Efa);
        thread.join().unwrap();
    }
}
