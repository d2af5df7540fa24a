//! Pauses between tries: doubled each time, with jitter so that instances launched together do not try together.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// The longest pause. A server's `Retry-After` is honoured up to it as well.
pub(crate) const LONGEST: Duration = Duration::from_secs(15);

/// The pause after the `tries`th failed try: a random share of a half to the whole of `first` doubled each time.
pub(crate) fn after(first: Duration, tries: u32, asked: Option<Duration>) -> Duration {
    let doubled = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    let full = first.saturating_mul(doubled).min(LONGEST);
    // Every `RandomState` has other keys, from the system's randomness: good enough for spreading load.
    let dice = RandomState::new().build_hasher().finish() % 1001;
    let share = u32::try_from(dice).unwrap_or(0);
    (full / 2 + full / 2 * share / 1000).max(asked.unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_within_bounds_and_heeds_the_server() {
        let first = Duration::from_millis(500);
        for (tries, full) in [(0, 500), (1, 500), (2, 1000), (6, 15_000), (u32::MAX, 15_000)] {
            let full = Duration::from_millis(full);
            let pause = after(first, tries, None);
            assert!(full / 2 <= pause && pause <= full, "{tries}: {pause:?}");
        }
        assert_eq!(after(first, 1, Some(Duration::from_secs(3))), Duration::from_secs(3));
        assert_eq!(after(first, 1, Some(Duration::from_secs(3600))), LONGEST);
    }
}
