//! The time one call may take, shared by all its requests.

use std::time::{Duration, Instant};

/// A deadline on the monotonic clock, with its start for the error texts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    started: Instant,
    pub(crate) allowed: Duration,
}

impl Budget {
    pub(crate) fn new(allowed: Duration) -> Self {
        Self { started: Instant::now(), allowed }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Zero once the deadline has passed.
    pub(crate) fn left(&self) -> Duration {
        self.allowed.saturating_sub(self.elapsed())
    }
}
