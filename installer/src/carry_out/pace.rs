//! How long one thing waits before it is asked about again.

use std::time::{Duration, Instant};

use crate::desired::Answer;

/// The first wait after a failure; each later one is twice as long.
const FIRST: Duration = Duration::from_millis(250);
/// The longest. All eight together are about 40 s: IAM is known everywhere by then, and the name of a removed queue is
/// nearly free again, which takes 60 s.
const LONGEST: Duration = Duration::from_secs(20);
/// Between looks at something that is being made.
const POLL: Duration = Duration::from_secs(10);
/// For something to be made or removed. EKS gives up on an add-on after 20 minutes.
const PATIENCE: Duration = Duration::from_secs(25 * 60);

#[derive(Debug, Default)]
pub(super) struct Pace {
    failures: u32,
    looks: u32,
    taken: u32,
    since: Option<Instant>,
    next: Duration,
}

impl Pace {
    /// The wait before the next request.
    pub(super) fn take(&mut self) -> Duration {
        std::mem::take(&mut self.next)
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// The wait after one more failure.
    pub(super) fn after_failure(&mut self) -> Duration {
        self.failures += 1;
        jittered(self.failures - 1)
    }

    pub(super) fn later(&mut self) {
        self.next = self.after_failure();
    }

    /// A change is looked at right away; one that had to be made twice was not seen at once, so that takes longer.
    pub(super) fn taken(&mut self) {
        self.next = if self.taken == 0 { Duration::ZERO } else { jittered(self.taken) };
        self.taken += 1;
        // A change gives it all its time again.
        self.since = None;
    }

    /// Waits on, unless it took too long.
    pub(super) fn pending(&mut self, status: &str) -> Answer {
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() > PATIENCE {
            return Answer::Never(format!("still {status} after {} minutes", PATIENCE.as_secs() / 60));
        }
        self.next = jittered(self.looks + 2).min(POLL);
        self.looks += 1;
        Answer::Pending
    }
}

/// Half to all of a wait that doubles, so that two installers do not stay in step.
fn jittered(step: u32) -> Duration {
    let whole = FIRST.saturating_mul(1 << step.min(16)).min(LONGEST);
    whole.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound() {
        let mut pace = Pace::default();
        for step in 0..40 {
            let wait = pace.after_failure();
            let most = FIRST.saturating_mul(1 << step.min(16)).min(LONGEST);
            assert!(wait >= most / 2 && wait <= most, "{step}: {wait:?}");
        }
        assert_eq!(pace.failures(), 40);
    }

    #[test]
    fn a_wait_is_taken_once_and_the_first_look_after_a_change_has_none() {
        let mut pace = Pace::default();
        pace.taken();
        assert_eq!(pace.take(), Duration::ZERO);
        pace.taken();
        assert!(pace.take() > Duration::ZERO);
        assert_eq!(pace.take(), Duration::ZERO);
        assert_eq!(pace.pending("CREATING"), Answer::Pending);
        assert!(pace.take() <= POLL);
    }
}
