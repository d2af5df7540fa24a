//! When an error counts. A look counts every sign at once, while some rules want it in several looks, or for some time:
//! the fabric of a machine that boots is not ready for a minute or two, and a device may be late. Here such an error is
//! looked for again, as the one who watches all the time would, before it keeps a node out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gpunode_host::health::rule::Confirm;
use gpunode_host::health::rules;
use gpunode_host::{Finding, Severity};

/// The errors of the looks so far.
#[derive(Debug, Default)]
pub(super) struct Errors {
    seen: BTreeMap<(&'static str, String), (u32, Instant)>,
}

/// What to do after a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// What it found counts.
    Done,
    /// Look again.
    Again,
}

impl Errors {
    /// Takes a look in.
    pub(super) fn look(&mut self, now: Instant, findings: &[Finding]) -> Next {
        let errors = || findings.iter().filter(|finding| finding.severity == Severity::Error);
        let key = |finding: &Finding| (finding.code, finding.subject.clone());
        self.seen.retain(|known, _| errors().any(|finding| key(finding) == *known));
        let mut next = Next::Done;
        for finding in errors() {
            let (looks, first) = self.seen.entry(key(finding)).or_insert((0, now));
            *looks += 1;
            let confirm = rules::find(finding.code).map_or(Confirm::AtOnce, |rule| rule.confirm);
            if counts(confirm, *looks, now.saturating_duration_since(*first)) {
                // One that counts decides: the others change nothing any more.
                return Next::Done;
            }
            next = Next::Again;
        }
        next
    }
}

fn counts(confirm: Confirm, looks: u32, time: Duration) -> bool {
    match confirm {
        // How often something happens one look has counted already.
        Confirm::AtOnce | Confirm::Times(..) => true,
        Confirm::Looks(wanted) => looks >= wanted,
        Confirm::For(wanted) => time >= wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpunode_host::health::Rule;

    fn finding(rule: &'static Rule) -> Finding {
        let (subject, message) = ("GPU 3".to_owned(), String::new());
        let Rule { code, severity, clears, action, .. } = *rule;
        Finding { code, severity, subject, message, clears, action }
    }

    #[test]
    fn a_fabric_may_come_up_for_three_minutes() {
        let (mut errors, began) = (Errors::default(), Instant::now());
        let late = [finding(&rules::GPU_FABRIC_NOT_READY)];
        let after = |seconds| began + Duration::from_secs(seconds);
        for seconds in [0, 5, 100, 179] {
            assert_eq!(errors.look(after(seconds), &late), Next::Again, "{seconds}");
        }
        assert_eq!(errors.look(after(180), &late), Next::Done);
        let mut errors = Errors::default();
        assert_eq!(errors.look(after(0), &late), Next::Again);
        assert_eq!(errors.look(after(100), &[]), Next::Done, "it came up");
        assert_eq!(errors.look(after(181), &late), Next::Again, "and that was another time");
    }

    #[test]
    fn what_must_be_seen_twice_is_and_what_counts_at_once_decides() {
        let (mut errors, now) = (Errors::default(), Instant::now());
        let down = [finding(&rules::NVLINK_DOWN)];
        assert_eq!(errors.look(now, &down), Next::Again);
        assert_eq!(errors.look(now, &down), Next::Done);
        let lost = [finding(&rules::NVLINK_DOWN), finding(&rules::GPU_LOST)];
        assert_eq!(Errors::default().look(now, &lost), Next::Done);
        assert_eq!(Errors::default().look(now, &[finding(&rules::GPU_TOO_HOT)]), Next::Done, "no error");
    }
}
