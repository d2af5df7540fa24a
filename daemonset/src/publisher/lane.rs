//! The calls there are, and what may come of one.

use std::time::Duration;

use crate::condition::Condition;
use crate::event_book::EventWrite;
use crate::labels::Labels;

/// What fails apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Conditions.
    Status = 0,
    /// Labels.
    Labels = 1,
    /// The taint.
    Taint = 2,
    /// Events.
    Events = 3,
}

impl Lane {
    /// Every lane, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Status, Self::Labels, Self::Taint, Self::Events];

    /// For logs and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Labels => "labels",
            Self::Taint => "taint",
            Self::Events => "events",
        }
    }
}

/// One thing to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// All our conditions.
    Status(Vec<Condition>),
    /// All our labels, on the node object of this UID.
    Labels {
        /// Labels.
        labels: Labels,
        /// The object's UID, where it is known.
        uid: Option<String>,
    },
    /// The taint's value; `None` takes it away.
    Taint(Option<String>),
    /// One event.
    Event(EventWrite),
}

impl Call {
    /// Its lane.
    pub fn lane(&self) -> Lane {
        match self {
            Self::Status(_) => Lane::Status,
            Self::Labels { .. } => Lane::Labels,
            Self::Taint(_) => Lane::Taint,
            Self::Event(_) => Lane::Events,
        }
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The API server has it, and its answer says this of the node.
    Done(Found),
    /// It has not.
    Failed(Failure),
}

/// What an answer says of the node; `None` where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// UID.
    pub uid: Option<String>,
    /// All its labels.
    pub labels: Option<Labels>,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The API server cannot be reached, does not answer, is overloaded, or does not know us any more (401: the token
    /// is read again with the next call).
    Away {
        /// How long it asked us to stay away (`Retry-After`).
        asked: Option<Duration>,
    },
    /// We may not do this.
    Forbidden,
    /// There is no such node, or it is another object by now.
    NoNode,
    /// Somebody else wrote at the same moment.
    Again,
    /// It does not take this, and will not.
    Refused,
    /// About an event's object.
    Event(OfEvent),
}

/// Of an event's object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfEvent {
    /// It is there already.
    Exists,
    /// It is not there any more.
    Absent,
}
