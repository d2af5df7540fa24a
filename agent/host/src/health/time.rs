//! The time, as the engine is told it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One moment on two clocks. Durations are taken on the first, which nobody sets; people are shown the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Since the machine booted (`CLOCK_BOOTTIME`).
    pub boot: Duration,
    /// Milliseconds since 1970 in UTC.
    pub unix_ms: u64,
}

impl Now {
    /// This moment, `boot` after the machine booted.
    pub fn at(boot: Duration) -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { boot, unix_ms: crate::millis(unix) }
    }

    /// From `earlier` until now, on the clock that nobody sets.
    pub fn since(&self, earlier: Duration) -> Duration {
        self.boot.saturating_sub(earlier)
    }
}
