//! What a run asks for, what it is told, and how each resource ends: values, so that whoever makes the calls stays thin.

use serde_json::Value;

use super::Seen;

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Everything is to be as it must be.
    Apply,
    /// What is ours is to be gone.
    Destroy,
}

/// One call, as a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Which resource.
    pub id: String,
    /// What.
    pub call: Call,
    /// From 1. Whoever makes the call waits before a later one.
    pub attempt: u32,
}

/// What is called.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Look.
    Read,
    /// Make it, with the owner's tag. Names are unique, so the same call twice makes one.
    Create(Value),
    /// Change it to this.
    Update(Value),
    /// Remove it.
    Delete,
}

impl Call {
    /// Whether it changes something.
    pub fn mutates(&self) -> bool {
        !matches!(self, Self::Read)
    }
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Of a read.
    Seen(Seen),
    /// Of a call that changes something: it was taken. It is looked at again before anything relies on it.
    Taken,
    /// It is there and becoming something; looked at again, as often as whoever makes the calls has patience for.
    Pending,
    /// Not now: throttled, a server's error, a connection that broke. Nobody knows whether it was carried out.
    Later(String),
    /// No, and asking again will not help.
    Never(String),
}

/// How a resource ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was so already.
    Unchanged,
    /// It was brought about.
    Changed,
    /// It belongs to others, and was left alone.
    Left(String),
    /// It could not be brought about.
    Failed(String),
    /// What it depends on could not.
    Skipped(String),
}

impl Outcome {
    pub(super) fn good(&self) -> bool {
        matches!(self, Self::Unchanged | Self::Changed)
    }
}
