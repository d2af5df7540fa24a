//! The status of one condition over time: when it may be claimed, and when it must be given up.
//!
//! `False` needs an error and nothing else. `True` needs that every source answers, and has answered for long enough
//! that a rule of two looks could speak. `Unknown` is what is left: at the start, and when a source is silent for
//! longer than a single late answer takes. An error stays an error when its source falls silent: nothing has shown
//! that it is over.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long sources may take to answer for the first time. The ports of the EFA cards are read in turn, all of them
/// within ten seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
/// How long all must be well before `True` is claimed: most errors need two looks, ten seconds apart. It also keeps a
/// fault that comes and goes with every look from being written with every look.
pub(crate) const PROOF: Duration = Duration::from_secs(12);
/// How long a needed source may be silent until `True` is given up: one look that is late is not news.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// A condition's status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// All is well.
    True,
    /// Something is wrong.
    False,
    /// Nobody can tell.
    #[default]
    Unknown,
}

impl Status {
    /// As the API has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// What is seen of an area at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    /// There is an error.
    pub(crate) error: bool,
    /// A source has not answered since the program began.
    pub(crate) pending: bool,
    /// The kernel log is being read from its beginning: what it told may be over by its end.
    pub(crate) replaying: bool,
    /// A source that is needed does not answer.
    pub(crate) silent: bool,
}

/// What a status rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// On what was published before: the sources have not spoken yet.
    Before,
    /// On an error.
    Error,
    /// On a source that is silent.
    Silence,
    /// On sources that say that all is well.
    Health,
}

/// Keeps the status of one condition. Times are on a clock that nobody sets.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    status: Status,
    patience_ends: Duration,
    good_since: Option<Duration>,
    silent_since: Option<Duration>,
    wake: Option<Duration>,
}

impl Keeper {
    /// From `began` on, with the status that was published in this boot, if any was.
    pub(crate) fn new(began: Duration, before: Option<Status>) -> Self {
        Self {
            status: before.unwrap_or_default(),
            patience_ends: began + PATIENCE,
            good_since: None,
            silent_since: None,
            wake: None,
        }
    }

    /// The status now.
    pub(crate) fn next(&mut self, now: Duration, sight: Sight) -> (Status, Basis) {
        self.wake = None;
        let patient = now < self.patience_ends;
        let basis = if patient && sight.replaying {
            self.wait();
            Basis::Before
        } else if sight.error {
            (self.good_since, self.silent_since) = (None, None);
            self.status = Status::False;
            Basis::Error
        } else if patient && sight.pending {
            self.wait();
            Basis::Before
        } else if sight.silent {
            self.silent(now);
            Basis::Silence
        } else {
            self.good(now);
            Basis::Health
        };
        (self.status, basis)
    }

    /// When the status may change though nothing else does.
    pub(crate) fn wake(&self) -> Option<Duration> {
        self.wake
    }

    fn wait(&mut self) {
        self.good_since = None;
        self.wake = Some(self.patience_ends);
    }

    fn silent(&mut self, now: Duration) {
        self.good_since = None;
        let until = *self.silent_since.get_or_insert(now) + GRACE;
        if self.status == Status::True && now < until {
            self.wake = Some(until);
        } else {
            self.status = Status::Unknown;
        }
    }

    fn good(&mut self, now: Duration) {
        self.silent_since = None;
        let proven = *self.good_since.get_or_insert(now) + PROOF;
        if now >= proven {
            self.status = Status::True;
        } else if self.status != Status::True {
            self.wake = Some(proven);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: Sight = Sight { error: false, pending: false, replaying: false, silent: false };
    const ERROR: Sight = Sight { error: true, ..GOOD };
    const PENDING: Sight = Sight { pending: true, silent: true, ..GOOD };
    const SILENT: Sight = Sight { silent: true, ..GOOD };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1000 + seconds)
    }

    fn run(before: Option<Status>, steps: &[(u64, Sight)]) -> Vec<Status> {
        let mut keeper = Keeper::new(at(0), before);
        steps.iter().map(|(seconds, sight)| keeper.next(at(*seconds), *sight).0).collect()
    }

    #[test]
    fn health_is_claimed_only_when_all_have_answered_for_a_while() {
        use Status::{True, Unknown};
        let seen = run(None, &[(0, PENDING), (3, GOOD), (14, GOOD), (15, GOOD)]);
        assert_eq!(seen, [Unknown, Unknown, Unknown, True]);
    }

    #[test]
    fn an_error_counts_at_once_and_stays_until_all_is_well_for_a_while() {
        use Status::{False, True};
        let seen = run(None, &[(0, ERROR), (20, GOOD), (31, GOOD), (32, GOOD)]);
        assert_eq!(seen, [False, False, False, True]);
    }

    #[test]
    fn a_restart_keeps_what_was_published_until_the_sources_speak() {
        use Status::{False, True, Unknown};
        assert_eq!(run(Some(False), &[(0, PENDING), (14, PENDING), (15, PENDING)]), [False, False, Unknown]);
        assert_eq!(run(Some(True), &[(0, PENDING), (5, GOOD), (17, GOOD)]), [True, True, True]);
        assert_eq!(run(Some(True), &[(0, PENDING), (5, ERROR)]), [True, False]);
    }

    #[test]
    fn what_the_log_tells_of_the_past_waits_for_its_end() {
        let replaying = Sight { error: true, replaying: true, ..GOOD };
        assert_eq!(run(Some(Status::True), &[(1, replaying), (2, GOOD)]), [Status::True, Status::True]);
        assert_eq!(run(None, &[(1, replaying), (16, replaying)]), [Status::Unknown, Status::False]);
    }

    #[test]
    fn one_late_look_is_no_news_and_a_source_that_is_gone_is() {
        use Status::{True, Unknown};
        let seen = run(Some(True), &[(20, SILENT), (49, SILENT), (50, SILENT), (60, GOOD), (72, GOOD)]);
        assert_eq!(seen, [True, True, Unknown, Unknown, True]);
        assert_eq!(run(Some(True), &[(20, SILENT), (40, GOOD), (51, SILENT)]), [True, True, True]);
    }

    fn sight() -> impl Strategy<Value = Sight> {
        any::<[bool; 4]>().prop_map(|[error, pending, replaying, silent]| Sight {
            error,
            pending,
            replaying,
            silent,
        })
    }

    proptest! {
        #[test]
        fn true_is_never_reached_without_proof(steps in prop::collection::vec((1..20_u64, sight()), 1..60)) {
            let mut keeper = Keeper::new(at(0), None);
            let (mut now, mut good_for) = (0, 0);
            let mut before = Status::Unknown;
            for (pause, sight) in steps {
                now += pause;
                let patient = at(now) < at(0) + PATIENCE;
                let waits = patient && (sight.pending || sight.replaying);
                let good = !sight.error && !sight.silent && !waits;
                good_for = if good { good_for + pause } else { 0 };
                let (status, _) = keeper.next(at(now), sight);
                if status == Status::True && before != Status::True {
                    // The pause before the first good sight does not count, so this is the loosest bound.
                    prop_assert!(good && good_for >= PROOF.as_secs());
                }
                if sight.error && !(patient && sight.replaying) {
                    prop_assert_eq!(status, Status::False);
                }
                prop_assert!(keeper.wake().is_none_or(|wake| wake > at(now)));
                before = status;
            }
        }
    }
}
