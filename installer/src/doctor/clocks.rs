//! Clocks.

use super::Finding;
use crate::aws::Clocks;

/// Seconds that a clock may be off: AWS refuses signatures at five minutes, and a cluster's token is good for 60 s before
/// it was made and 14 minutes after. Source: AWS, "Signature Version 4"; aws-iam-authenticator.
const OFF: (i64, i64) = (30, 240);

/// How far our clock is from AWS's and the API server's.
pub fn clocks(clocks: &Clocks) -> Vec<Finding> {
    ["AWS", "the API server"].into_iter().map(|who| clock(who, clocks.ahead(who))).collect()
}

fn clock(who: &str, ahead: Option<i64>) -> Finding {
    let subject = format!("clock, against {who}");
    let Some(ahead) = ahead else { return Finding::unknown(subject, "it has not said the time") };
    let what = format!("{} s {} ours", ahead.unsigned_abs(), if ahead < 0 { "behind" } else { "ahead of" });
    let advice = "set this machine's clock (chronyc makestep, or timedatectl set-ntp true)";
    match ahead.abs() {
        off if off >= OFF.1 => Finding::error(subject, what, advice),
        off if off >= OFF.0 => Finding::warning(subject, what, advice),
        _ => Finding::ok(subject, what),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_clock_that_nobody_told_is_not_right() {
        let level = |ahead| clock("AWS", ahead).level;
        assert_eq!(level(None), Level::Unknown);
        for (ahead, expected) in
            [(0, Level::Ok), (-29, Level::Ok), (30, Level::Warning), (-240, Level::Error)]
        {
            assert_eq!(level(Some(ahead)), expected, "{ahead}");
        }
        assert_eq!(level(Some(i64::MAX)), Level::Error);
        assert!(clock("AWS", Some(-300)).what.contains("300 s behind ours"));
    }
}
