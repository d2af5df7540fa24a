//! How fast a counter grows.

use std::time::Duration;

use crate::health::Now;

/// The last value of one counter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    last: Option<(Duration, u64)>,
}

/// What a counter did between two looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// By how much it grew.
    pub grew: u64,
    /// In this time.
    pub in_time: Duration,
}

impl Step {
    /// Per second; 0 where no time has passed.
    #[expect(clippy::cast_precision_loss, reason = "a rate is compared with limits of two digits")]
    pub fn per_second(&self) -> f64 {
        if self.in_time.is_zero() { 0.0 } else { self.grew as f64 / self.in_time.as_secs_f64() }
    }
}

impl Rate {
    /// The next value. `None` at the first one, where the counter could not be read, and where it went back: then it
    /// began anew, and nothing is known about the time between.
    pub fn next(&mut self, now: Now, value: Option<u64>) -> Option<Step> {
        let Some(value) = value else {
            self.last = None;
            return None;
        };
        let (before, last) = self.last.replace((now.boot, value))?;
        let grew = value.checked_sub(last)?;
        Some(Step { grew, in_time: now.since(before) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_began_anew_has_not_grown() {
        let at = |seconds| Now { boot: Duration::from_secs(seconds), unix_ms: 0 };
        let mut rate = Rate::default();
        assert_eq!(rate.next(at(0), Some(1000)), None, "since boot is not since the last look");
        let step = rate.next(at(10), Some(1050)).unwrap();
        assert_eq!((step.grew, step.per_second()), (50, 5.0));
        assert_eq!(rate.next(at(20), Some(7)), None);
        assert_eq!(rate.next(at(30), Some(9)).unwrap().grew, 2);
        assert_eq!(rate.next(at(40), None), None);
        assert_eq!(rate.next(at(50), Some(500)), None, "nobody knows when it grew");
    }
}
