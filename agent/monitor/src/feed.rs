//! The way from a source to the state.

use std::sync::mpsc::SyncSender;

use gpunode_host::health::{Now, Seen, Source};

use crate::clock;
use crate::state::State;

/// Messages that wait at most. The kernel log can bring them faster than any other source; it waits then.
pub(crate) const ROOM: usize = 256;

/// What a source says.
#[derive(Debug)]
pub(crate) enum Message {
    /// It saw something, at that time.
    Seen(Now, Seen),
    /// How it fares.
    State(Source, State),
    /// Nothing: whoever takes messages in is to look up.
    Wake,
}

/// Nobody listens any more: the thread is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Over;

/// The sending end.
#[derive(Clone, Debug)]
pub(crate) struct Feed(SyncSender<Message>);

impl Feed {
    pub(crate) fn new(sender: SyncSender<Message>) -> Self {
        Self(sender)
    }

    /// Something was seen just now.
    pub(crate) fn saw(&self, seen: Seen) -> Result<(), Over> {
        self.saw_at(clock::now(), seen)
    }

    /// Something was seen, or said, at `now`.
    pub(crate) fn saw_at(&self, now: Now, seen: Seen) -> Result<(), Over> {
        self.0.send(Message::Seen(now, seen)).map_err(|_| Over)
    }

    /// How the source fares.
    pub(crate) fn state(&self, source: Source, state: State) -> Result<(), Over> {
        self.0.send(Message::State(source, state)).map_err(|_| Over)
    }
}
