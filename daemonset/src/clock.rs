//! The time.

use std::time::Duration;

use gpunode_host::health::Now;
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// This moment, on the clock that nobody sets and on the one that people read.
pub(crate) fn now() -> Now {
    // It cannot fail on Linux (`clock_gettime(2)`).
    Now::at(clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from))
}

/// A number that differs from call to call and from node to node.
pub(crate) fn chance() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}

/// More than a leap second and than the time between two readings; less than what tells two events of the same words
/// apart.
const SET: u64 = 1500;

/// How far the clock that people read is ahead of the one that nobody sets, in milliseconds. A program that slews the
/// clock slews both (`clock_gettime(2)`), so this changes only when the time is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(i64);

impl Wall {
    /// As it is now.
    pub fn at(now: Now) -> Self {
        let boot = gpunode_host::millis(now.boot);
        Self(now.unix_ms.cast_signed().saturating_sub(boot.cast_signed()))
    }

    /// By how many milliseconds the clock was set since this was asked last, if it was.
    ///
    /// A machine that starts with a wrong time gets the right one some seconds later. What was noted before has to move
    /// with it: a condition that is false since 1970 is acted on at once, and one that is false since tomorrow never is.
    pub fn set_by(&mut self, now: Now) -> Option<i64> {
        let is = Self::at(now);
        let by = is.0.saturating_sub(self.0);
        if by.unsigned_abs() < SET {
            return None;
        }
        *self = is;
        Some(by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(boot: u64, unix: u64) -> Now {
        Now { boot: Duration::from_secs(boot), unix_ms: unix * 1000 }
    }

    #[test]
    fn only_a_clock_that_is_set_moves() {
        let mut wall = Wall::at(at(10, 1_700_000_010));
        assert_eq!(wall.set_by(at(500, 1_700_000_500)), None);
        assert_eq!(wall.set_by(at(600, 1_700_000_601)), None, "a leap second");
        assert_eq!(wall.set_by(at(700, 1_700_007_900)), Some(7_200_000));
        assert_eq!(wall.set_by(at(710, 1_700_007_910)), None);
        assert_eq!(wall.set_by(at(720, 30)), Some(-1_700_007_890_000), "before the boot");
    }
}
