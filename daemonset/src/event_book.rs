//! The events of this boot: what has been told, what waits to be told, and how often it happened.
//!
//! It is bounded: of more different events than fit, those go first that were told long ago, then those that are only
//! worth knowing. What is dropped untold is counted.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::Told;

/// Different events that are kept: each of 40 devices may have six.
pub const ROOM: usize = 256;
/// The least time between two writes of one event: a fault that comes and goes writes six times an hour, not six times
/// a minute.
pub(crate) const FLOOR: Duration = Duration::from_secs(600);
/// The kernel log is read again when the program is started again, and its lines get their times anew, each some
/// milliseconds off. What is not later than this after the last time is that time.
const SAME_MS: u64 = 2000;

/// One event, and how far it was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    told: Told,
    first_unix_ms: u64,
    last_unix_ms: u64,
    count: u64,
    /// How many of them the API server knows of.
    sent: u64,
    /// Whether the API server has the object, so far as we know.
    exists: bool,
    /// When it was written last.
    #[serde(skip)]
    written: Option<Duration>,
}

/// All events of this boot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventBook {
    entries: BTreeMap<String, Entry>,
    /// Events that were dropped before they could be told.
    #[serde(default)]
    lost: u64,
}

/// One write of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventWrite {
    /// The object's name.
    pub name: String,
    /// What is told.
    pub told: Told,
    /// When it happened first.
    pub first_unix_ms: u64,
    /// When it happened last.
    pub last_unix_ms: u64,
    /// How often.
    pub count: u64,
    /// Whether the object is there already, so that only the series changes.
    pub exists: bool,
}

/// What the API server said to a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has it.
    Written,
    /// The object is there already: another run of this program made it.
    Exists,
    /// The object has run out (events live for an hour).
    Absent,
    /// It will never take this one.
    Refused,
}

impl EventBook {
    /// Something happened.
    pub(crate) fn add(&mut self, name: String, told: Told) {
        if let Some(entry) = self.entries.get_mut(&name) {
            if told.at_unix_ms > entry.last_unix_ms.saturating_add(SAME_MS) {
                entry.last_unix_ms = told.at_unix_ms;
                entry.count = entry.count.saturating_add(1);
            }
            return;
        }
        let at = told.at_unix_ms;
        let entry = Entry {
            told,
            first_unix_ms: at,
            last_unix_ms: at,
            count: 1,
            sent: 0,
            exists: false,
            written: None,
        };
        self.entries.insert(name, entry);
        if self.entries.len() > ROOM {
            self.make_room();
        }
    }

    /// The clock that people read was set by so many milliseconds: what is told of it later has the times that the clock
    /// would have shown, and what happens again is not taken for what happened before.
    pub(crate) fn clock_set(&mut self, by_ms: i64) {
        for entry in self.entries.values_mut() {
            for time in [&mut entry.first_unix_ms, &mut entry.last_unix_ms, &mut entry.told.at_unix_ms] {
                *time = time.saturating_add_signed(by_ms);
            }
        }
    }

    /// The next one to write, the oldest first.
    pub(crate) fn next(&self, now: Duration) -> Option<EventWrite> {
        let due = self.entries.iter().filter(|(_, entry)| entry.due().is_some_and(|due| due <= now));
        let (name, entry) =
            due.min_by_key(|(_, entry)| (entry.last_unix_ms, entry.told.action == "Cleared"))?;
        Some(EventWrite {
            name: name.clone(),
            told: entry.told.clone(),
            first_unix_ms: entry.first_unix_ms,
            last_unix_ms: entry.last_unix_ms,
            count: entry.count,
            exists: entry.exists,
        })
    }

    /// When the next one is due.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.entries.values().filter_map(Entry::due).min()
    }

    /// What came of a write.
    pub(crate) fn done(&mut self, now: Duration, write: &EventWrite, answer: Answer) {
        let Some(entry) = self.entries.get_mut(&write.name) else { return };
        match answer {
            Answer::Written => {
                // A creation tells of one; a series tells of all.
                entry.sent = if write.exists { write.count } else { 1 };
                entry.exists = true;
                entry.written = Some(now);
            }
            Answer::Exists => entry.exists = true,
            Answer::Absent => {
                // It begins anew.
                (entry.exists, entry.sent) = (false, 0);
                entry.first_unix_ms = entry.last_unix_ms;
                entry.count = 1;
            }
            Answer::Refused => entry.sent = write.count,
        }
    }

    /// How many wait to be told.
    pub fn waiting(&self) -> usize {
        self.entries.values().filter(|entry| entry.sent < entry.count).count()
    }

    /// How many were dropped untold.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn make_room(&mut self) {
        let weight = |entry: &Entry| {
            let untold = entry.sent < entry.count;
            (untold, untold && entry.told.warning, entry.last_unix_ms)
        };
        let least = self.entries.iter().min_by_key(|(_, entry)| weight(entry));
        if let Some((name, untold)) = least.map(|(name, entry)| (name.clone(), entry.sent < entry.count)) {
            self.entries.remove(&name);
            self.lost += u64::from(untold);
        }
    }
}

impl Entry {
    /// When it is to be written; `None` where all is told.
    fn due(&self) -> Option<Duration> {
        let untold = self.sent < self.count;
        untold.then(|| self.written.map_or(Duration::ZERO, |written| written + FLOOR))
    }
}
