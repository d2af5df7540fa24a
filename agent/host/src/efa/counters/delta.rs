//! What happened between two readings.

use std::time::Duration;

use super::{Counter, Counters};

/// The most that a counter can move in a second: bytes of a card at 2.2 Tbit/s, five times the fastest today.
const MOST_PER_SECOND: u128 = 1 << 38;

/// What one counter did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is in neither reading, or no more in the later one.
    Absent,
    /// It is in the later reading only: nothing can be said but that it is there.
    New,
    /// It moved by this much; 0 is no movement.
    By(u64),
    /// The counters began anew between the readings (driver loaded again, card reset): the later reading is the new
    /// base, and what was counted in between is not known.
    Reset,
}

/// The differences between two readings of the same device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    elapsed: Duration,
    changes: [Change; Counter::COUNT],
}

impl Counters {
    /// What happened since `earlier`, which was read `elapsed` before.
    ///
    /// A counter that is lower than before was reset. All counters of a device begin anew together, so one that is
    /// lower makes every other a new base too: that it is higher by chance proves nothing. The exception is a wrap
    /// at 2^64 (byte counters only, eleven years at 400 Gbit/s): taken for one only where the way over the top is
    /// no longer than a card can go in `elapsed`.
    pub fn delta(&self, earlier: &Self, elapsed: Duration) -> Delta {
        let most = MOST_PER_SECOND * u128::from(elapsed.as_secs() + 1);
        let mut changes = [Change::Absent; Counter::COUNT];
        let mut reset = false;
        for counter in Counter::ALL {
            let change = change(earlier.get(*counter), self.get(*counter), most);
            reset |= change == Change::Reset;
            changes[*counter as usize] = change;
        }
        if reset {
            for change in &mut changes {
                if matches!(change, Change::By(_)) {
                    *change = Change::Reset;
                }
            }
        }
        Delta { elapsed, changes }
    }
}

fn change(earlier: Option<u64>, later: Option<u64>, most: u128) -> Change {
    match (earlier, later) {
        (_, None) => Change::Absent,
        (None, Some(_)) => Change::New,
        (Some(earlier), Some(later)) => match later.checked_sub(earlier) {
            Some(moved) => Change::By(moved),
            None if u128::from(later.wrapping_sub(earlier)) <= most => {
                Change::By(later.wrapping_sub(earlier))
            }
            None => Change::Reset,
        },
    }
}

impl Delta {
    /// The time between the readings.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// What the counter did.
    pub fn change(&self, counter: Counter) -> Change {
        self.changes[counter as usize]
    }

    /// How far the counter moved; `None` where that is not known.
    pub fn by(&self, counter: Counter) -> Option<u64> {
        match self.change(counter) {
            Change::By(moved) => Some(moved),
            Change::Absent | Change::New | Change::Reset => None,
        }
    }

    /// How fast it moved, per second; `None` where that is not known, or no time passed.
    pub fn rate(&self, counter: Counter) -> Option<f64> {
        let seconds = self.elapsed.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate to 15 digits is more than enough")]
        self.by(counter).filter(|_| seconds > 0.0).map(|moved| moved as f64 / seconds)
    }

    /// Whether the counters began anew.
    pub fn is_reset(&self) -> bool {
        self.changes.contains(&Change::Reset)
    }
}
