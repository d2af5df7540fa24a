//! How long to wait after a write that failed.

use std::time::Duration;

/// After the first failure.
const FIRST: Duration = Duration::from_secs(1);
/// At most: with ten thousand nodes, an API server that comes back sees 170 of them a second.
const MOST: Duration = Duration::from_secs(60);
/// What is not allowed is not allowed a second later either; somebody has to change the role.
pub(crate) const FORBIDDEN: Duration = Duration::from_secs(300);
/// The longest that an API server may send us away for.
const MOST_ASKED: Duration = Duration::from_secs(600);

/// Pauses that double, each spread so that a fleet that was hit at once does not come back at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backoff {
    failures: u32,
    until: Option<Duration>,
}

impl Backoff {
    /// All is well again.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// One more failure. `asked` is what the API server said (`Retry-After`), `chance` any number.
    pub(crate) fn failed(&mut self, now: Duration, asked: Option<Duration>, chance: u64) {
        self.failures = self.failures.saturating_add(1);
        let doubled = FIRST.saturating_mul(1 << self.failures.saturating_sub(1).min(16)).min(MOST);
        self.pause(now, doubled, asked, chance);
    }

    /// Nothing to be tried for a while.
    pub(crate) fn refused(&mut self, now: Duration, chance: u64) {
        self.failures = self.failures.saturating_add(1);
        self.pause(now, FORBIDDEN, None, chance);
    }

    /// The moment before which nothing should be tried.
    pub(crate) fn until(&self) -> Duration {
        self.until.unwrap_or_default()
    }

    /// Failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    fn pause(&mut self, now: Duration, pause: Duration, asked: Option<Duration>, chance: u64) {
        let least = asked.unwrap_or_default().min(MOST_ASKED);
        // What is asked for is the least, and the spread comes on top of it.
        let spread = spread(pause, chance, 500);
        self.until = Some(now + if spread < least { least + part(pause, chance, 500) } else { spread });
    }
}

/// `time`, give or take up to `thousandths` of it.
fn spread(time: Duration, chance: u64, thousandths: u32) -> Duration {
    time.saturating_sub(time.saturating_mul(thousandths) / 1000).saturating_add(part(
        time,
        chance,
        thousandths.saturating_mul(2),
    ))
}

/// Between nothing and `thousandths` of `time`.
pub(super) fn part(time: Duration, chance: u64, thousandths: u32) -> Duration {
    let share = chance % (u64::from(thousandths) + 1);
    time.saturating_mul(u32::try_from(share).unwrap_or(thousandths)) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pauses_grow_up_to_a_minute_and_end_with_the_first_success() {
        let mut backoff = Backoff::default();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            backoff.failed(Duration::ZERO, None, 500);
            pauses.push(backoff.until().as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        backoff.reset();
        assert_eq!((backoff.until(), backoff.failures()), (Duration::ZERO, 0));
    }

    proptest! {
        #[test]
        fn nobody_comes_back_sooner_than_asked_nor_much_later(
            failures in 1..40_u32, asked in 0..1000_u64, chance in any::<u64>()
        ) {
            let mut backoff = Backoff::default();
            for _ in 0..failures {
                backoff.failed(Duration::ZERO, Some(Duration::from_secs(asked)), chance);
            }
            let until = backoff.until();
            prop_assert!(until >= Duration::from_secs(asked).min(MOST_ASKED));
            prop_assert!(until >= FIRST / 2 && until <= MOST_ASKED + MOST);
        }
    }
}
