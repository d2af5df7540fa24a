//! How far the clocks of others are from ours, by the `Date` of what they answer.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// Seconds that each is ahead of us, as last told.
#[derive(Debug, Default)]
pub struct Clocks(Mutex<BTreeMap<&'static str, i64>>);

impl Clocks {
    /// Takes down what `who` says now; what is no date is not.
    pub fn told(&self, who: &'static str, date: &str) {
        let Ok(there) = DateTime::from_str(date, Format::HttpDate) else { return };
        let here = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let ahead = there.secs().saturating_sub(i64::try_from(here).unwrap_or(i64::MAX));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(who, ahead);
    }

    /// Seconds that `who` is ahead of us.
    pub fn ahead(&self, who: &str) -> Option<i64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(who).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_compared_with_now_and_garbage_is_not() {
        let clocks = Clocks::default();
        clocks.told("AWS", "Thu, 01 Jan 1970 00:00:00 GMT");
        assert!(clocks.ahead("AWS").is_some_and(|ahead| ahead < -1_000_000_000));
        clocks.told("others", "yesterday");
        assert_eq!(clocks.ahead("others"), None);
    }
}
