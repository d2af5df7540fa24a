//! Two programs at once, brought together at each step.
#![expect(clippy::panic, reason = "a test whose bed fails has failed")]

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a request waits for the other's, which may be behind on a busy machine. Where the other has none to make it goes
/// on, so nothing hangs on this.
const WAIT: Duration = Duration::from_secs(2);

/// Holds each request until the same one comes a second time, so that both have looked before either has changed anything.
#[derive(Debug, Default)]
pub struct Pairs {
    came: Mutex<BTreeMap<String, usize>>,
    changed: Condvar,
}

impl Pairs {
    /// Comes back with the second request of this name, or after a while; says whether there were two.
    ///
    /// # Panics
    /// When a mutex of the platform's does not work.
    pub fn meet(&self, name: &str) -> bool {
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        let count = came.entry(name.to_owned()).or_default();
        *count += 1;
        let number = *count;
        if number.is_multiple_of(2) {
            self.changed.notify_all();
            return true;
        }
        let alone = |came: &mut BTreeMap<String, usize>| came.get(name).is_some_and(|count| *count == number);
        let waited = self.changed.wait_timeout_while(came, WAIT, alone);
        let (mut came, waited) = waited.unwrap_or_else(|error| panic!("{name}: {error}"));
        if waited.timed_out() {
            // Whoever comes later waits for another one.
            came.insert(name.to_owned(), number - 1);
        }
        !waited.timed_out()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_meet_and_one_goes_on() {
        let pairs = Pairs::default();
        assert!(!pairs.meet("alone"));
        let both = std::thread::scope(|scope| {
            let other = scope.spawn(|| (0..100).any(|_| pairs.meet("a")));
            (0..100).any(|_| pairs.meet("a")) && other.join().unwrap()
        });
        assert!(both);
    }
}
