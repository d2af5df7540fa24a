//! The status of one condition over time: when it may be claimed, and when it must be given up.
//!
//! `False` needs an error and nothing else. `True` needs that every source answers, and has answered for long enough
//! that a rule of two looks could speak. `Unknown` is what is left: at the start, and when a source is silent for
//! longer than a single late answer takes. An error stays an error when its source falls silent: nothing has shown
//! that it is over.

#[cfg(test)]
mod tests;

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
