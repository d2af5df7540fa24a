//! The time.

use std::time::Duration;

use gpunode_host::health::Now;
use nix::time::{ClockId, clock_gettime};

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
