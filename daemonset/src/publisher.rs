//! What is written to the API server, and when: a state machine that is given its clock and does no I/O.
//!
//! - The first change goes at once; what follows within a second goes together.
//! - What is written is made when it is sent, from the newest that is wanted: after an outage the truth of now goes out,
//!   once, and not what was true in between. What came and went in between is told by the events.
//! - A heartbeat every five minutes and up to a tenth more, spread over the fleet, moves `lastHeartbeatTime` and puts back what somebody else
//!   has changed of ours: conditions by itself, labels where its answer lacks one, and while there should be a taint somebody looks.
//! - Conditions, labels, the taint and events fail apart: a role without events does not keep conditions back. What
//!   ends a connection keeps everything back.

mod backoff;
mod lane;
mod outcome;
mod schedule;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::event::Told;
use crate::event_book::EventBook;
use crate::labels::Labels;
use crate::reporter::Desired;
use backoff::Backoff;
pub use lane::{Call, Failure, Found, Lane, OfEvent, Outcome};

/// What follows within this goes together.
const TOGETHER: Duration = Duration::from_secs(1);

/// Who publishes, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The node's name.
    pub node: String,
    /// `/proc/sys/kernel/random/boot_id`: events of one boot are series of their own.
    pub boot_id: String,
    /// Between two writes of the conditions when nothing changes.
    pub heartbeat: Duration,
}

/// What the API server has of ours, so far as we know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Published {
    /// The node object's UID.
    pub uid: Option<String>,
    /// The value of our taint; the outer `None` is not known.
    pub taint: Option<Option<String>>,
    #[serde(skip)]
    conditions: Option<Vec<Condition>>,
    #[serde(skip)]
    labels: Option<Labels>,
}

/// Counts for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Writes that the API server took, by [`Lane::ALL`].
    pub written: [u64; 4],
    /// Writes that came to nothing.
    pub failed: [u64; 4],
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This call, and then [`Publisher::done`].
    Send(Call),
    /// Nothing before that moment, or before something new is wanted.
    Wait(Option<Duration>),
}

/// The state machine. Times are on a clock that nobody sets.
#[derive(Debug)]
pub struct Publisher {
    settings: Settings,
    wanted: Option<Desired>,
    /// Whether what is wanted may be written: not what is only remembered from before, as if it had been seen.
    ready: bool,
    published: Published,
    events: EventBook,
    lanes: [Backoff; 4],
    /// What keeps everything back.
    all: Backoff,
    /// Whether somebody has to look if the taint is still there.
    taint_unseen: bool,
    status_sent: Option<Duration>,
    heartbeat_due: Option<Duration>,
    counts: Counts,
}

impl Publisher {
    /// With what an earlier run of this boot knew.
    pub fn new(settings: Settings, published: Published, events: EventBook) -> Self {
        Self {
            settings,
            wanted: None,
            ready: false,
            published,
            events,
            lanes: [Backoff::default(); 4],
            all: Backoff::default(),
            taint_unseen: false,
            status_sent: None,
            heartbeat_due: None,
            counts: Counts::default(),
        }
    }

    /// This is wanted now. `ready` says that it is more than what an earlier run has published already: that is not
    /// written again, with a newer heartbeat, before anybody has looked.
    pub fn want(&mut self, wanted: Desired, ready: bool) {
        self.ready |= ready;
        self.wanted = Some(wanted);
    }

    /// This happened.
    pub fn tell(&mut self, told: Told) {
        let name = told.name(&self.settings.node, &self.settings.boot_id);
        self.events.add(name, told);
    }

    /// The clock that people read was set by so many milliseconds.
    pub fn clock_set(&mut self, by_ms: i64) {
        self.events.clock_set(by_ms);
    }

    /// What to do next.
    pub fn next(&self, now: Duration) -> Next {
        let mut wake = None;
        for lane in Lane::ALL {
            let Some(due) = self.due(lane, now) else { continue };
            let due = due.max(self.lanes[lane as usize].until()).max(self.all.until());
            if due <= now {
                if let Some(call) = self.call(lane, now) {
                    return Next::Send(call);
                }
            } else {
                wake = Some(wake.map_or(due, |known: Duration| known.min(due)));
            }
        }
        Next::Wait(wake)
    }

    /// What came of `call`. `chance` is any number.
    pub fn done(&mut self, now: Duration, call: &Call, outcome: Outcome, chance: u64) {
        let lane = call.lane();
        match outcome {
            Outcome::Done(found) => {
                self.counts.written[lane as usize] += 1;
                self.all.reset();
                self.lanes[lane as usize].reset();
                self.written(now, call, found, chance);
            }
            Outcome::Failed(failure) => {
                self.counts.failed[lane as usize] += 1;
                self.failed(now, call, failure, chance);
            }
        }
    }

    /// What the API server has of ours.
    pub fn published(&self) -> &Published {
        &self.published
    }

    /// The events of this boot.
    pub fn events(&self) -> &EventBook {
        &self.events
    }

    /// Counts for the metrics.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Failures in a row, of what fails most.
    pub fn failures(&self) -> u32 {
        self.lanes.iter().chain([&self.all]).map(Backoff::failures).max().unwrap_or_default()
    }

    /// Whether the API server has all that is wanted.
    pub fn is_done(&self) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| {
            self.published.conditions.as_ref() == Some(&wanted.conditions)
                && self.published.labels.as_ref() == Some(&wanted.labels)
                && !self.taint_differs(wanted)
        }) && self.events.waiting() == 0
    }
}
