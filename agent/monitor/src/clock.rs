//! The time, for what is seen.

use std::time::Duration;

use gpunode_host::health::Now;
use nix::time::{ClockId, clock_gettime};

/// This moment.
pub(crate) fn now() -> Now {
    Now::at(read(ClockId::CLOCK_BOOTTIME))
}

/// When the kernel said something, by its own clock, which does not count the time the machine slept. That clock is
/// not set by NTP, so it may be some seconds ahead after weeks; then it was said just now.
pub(crate) fn said_at(microseconds: u64) -> Now {
    let awake = read(ClockId::CLOCK_MONOTONIC);
    before(now(), awake.saturating_sub(Duration::from_micros(microseconds)))
}

/// So long before `now`.
fn before(now: Now, age: Duration) -> Now {
    let milliseconds = gpunode_host::millis(age);
    Now { boot: now.boot.saturating_sub(age), unix_ms: now.unix_ms.saturating_sub(milliseconds) }
}

/// Neither clock can fail on Linux (`clock_gettime(2)`); 0 would make everything old, and clear nothing by mistake.
fn read(clock: ClockId) -> Duration {
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_long_ago_is_as_old_on_both_clocks() {
        let now = Now { boot: Duration::from_secs(100), unix_ms: 1_000_000 };
        let then = Now { boot: Duration::from_secs(70), unix_ms: 970_000 };
        assert_eq!(before(now, Duration::from_secs(30)), then);
        let zero = Now { boot: Duration::ZERO, unix_ms: 800_000 };
        assert_eq!(before(now, Duration::from_secs(200)), zero, "before the boot");
    }

    #[test]
    fn a_clock_that_is_ahead_says_now() {
        let earlier = now();
        assert!(said_at(u64::MAX) >= earlier);
        assert!(said_at(0).boot < earlier.boot);
    }
}
