//! Pauses between tries: exponential, with jitter so that instances launched together do not try together.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// The pause after the `tries`th failed try: `first` doubled each time up to `longest`, and of that a random
/// share between a half and the whole.
pub(crate) fn pause(first: Duration, longest: Duration, tries: u32) -> Duration {
    let doubled = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    let full = first.saturating_mul(doubled).min(longest);
    // Every `RandomState` has other keys, from the system's randomness: good enough for spreading load.
    let dice = RandomState::new().build_hasher().finish() % 1001;
    let share = u32::try_from(dice).unwrap_or(0);
    full / 2 + full / 2 * share / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(2);

    #[test]
    fn doubles_within_bounds() {
        for (tries, full) in
            [(0, 100), (1, 100), (2, 200), (3, 400), (5, 1600), (6, 2000), (33, 2000), (u32::MAX, 2000)]
        {
            let full = Duration::from_millis(full);
            for _ in 0..100 {
                let pause = pause(FIRST, LONGEST, tries);
                assert!(full / 2 <= pause && pause <= full, "try {tries}: {pause:?}");
            }
        }
    }

    #[test]
    fn is_spread() {
        let seen: std::collections::BTreeSet<_> = (0..200).map(|_| pause(FIRST, LONGEST, 6)).collect();
        assert!(seen.len() > 20, "{}", seen.len());
    }
}
