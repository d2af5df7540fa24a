//! When each external command of a step ran, so that the time of a run can be compared with that of its commands.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

use super::Cmd;

/// One command that was run. Times are monotonic, from the begin of the run, in microseconds when serialized.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ran {
    /// The command as a person would type it.
    pub(crate) command: String,
    #[serde(rename = "startUs", serialize_with = "microseconds")]
    pub(crate) start: Duration,
    #[serde(rename = "endUs", serialize_with = "microseconds")]
    pub(crate) end: Duration,
}

/// The commands of one step. Clones share the list, for a step that looks with several threads.
#[derive(Clone)]
pub(super) struct Timeline {
    begin: Instant,
    ran: Arc<Mutex<Vec<Ran>>>,
}

impl Timeline {
    pub(super) fn new() -> Self {
        Self { begin: Instant::now(), ran: Arc::default() }
    }

    /// An empty list with the same begin.
    pub(super) fn for_step(&self) -> Self {
        Self { begin: self.begin, ran: Arc::default() }
    }

    pub(super) fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    pub(super) fn note(&self, command: &Cmd, start: Duration) {
        let ran = Ran { command: command.line(), start, end: self.now() };
        self.ran.lock().unwrap_or_else(PoisonError::into_inner).push(ran);
    }

    pub(super) fn ran(&self) -> Vec<Ran> {
        self.ran.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub(crate) fn microseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}
