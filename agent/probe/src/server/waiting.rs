//! A question that has no answer yet.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gpunode_probe_protocol::library::Unusable;
use gpunode_probe_protocol::message::Say;

use crate::board::Board;
use crate::outbox::Outbox;
use crate::slot::Slot;
use crate::sweep;

/// Helpers for one sweep; with as many calls stuck the rest of the sweep is left.
const HELPERS: u32 = 3;

/// A question that has no answer yet.
pub(super) struct Waiting {
    /// The request's.
    pub(super) id: u32,
    subject: Subject,
    deadline: Instant,
    patience: Duration,
    help_at: Instant,
    helpers: u32,
}

/// What a question is about, with the place where its progress can be seen.
pub(super) enum Subject {
    Gpus(Arc<Board>),
    Events(Arc<Slot>),
    Interfaces(Arc<Slot>),
    Plugin(Arc<Slot>),
}

impl Waiting {
    /// A question that has just come.
    pub(super) fn new(id: u32, deadline_ms: u32, subject: Subject) -> Self {
        let now = Instant::now();
        let time = Duration::from_millis(deadline_ms.into());
        let patience = time / (HELPERS + 1);
        Self { id, subject, deadline: now + time, patience, help_at: now + patience, helpers: 0 }
    }

    /// Whether it is of the same kind.
    pub(super) fn is_about(&self, other: &Subject) -> bool {
        std::mem::discriminant(&self.subject) == std::mem::discriminant(other)
    }

    /// When it needs attention next.
    pub(super) fn next(&self) -> Instant {
        if self.can_be_helped() { self.deadline.min(self.help_at) } else { self.deadline }
    }

    /// Whether it must be answered now.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        now >= self.deadline
    }

    fn can_be_helped(&self) -> bool {
        self.helpers < HELPERS && matches!(self.subject, Subject::Gpus(_))
    }

    /// Starts another thread on a sweep whose threads are all in one call for long: the GPUs that are left must
    /// not wait for one that hangs.
    pub(super) fn help(&mut self, now: Instant, outbox: &Outbox) -> io::Result<()> {
        let Subject::Gpus(board) = &self.subject else { return Ok(()) };
        if now < self.help_at || !self.can_be_helped() {
            return Ok(());
        }
        match self.patience.checked_sub(board.idle_for()) {
            Some(rest) if !rest.is_zero() => self.help_at = now + rest,
            _ => {
                sweep::help(board, outbox)?;
                self.helpers += 1;
                self.help_at = now + self.patience;
            }
        }
        Ok(())
    }

    /// The answer when time is up.
    pub(super) fn give_up(self) -> Say {
        let stuck = |slot: &Slot| {
            let stuck = slot.stuck();
            Unusable::Stuck { call: stuck.call, for_ms: stuck.for_ms }
        };
        match self.subject {
            Subject::Gpus(board) => Say::Gpus(Ok(Box::new(board.give_up()))),
            Subject::Events(slot) => Say::Events(Err(stuck(&slot))),
            Subject::Interfaces(slot) => Say::Interfaces(Err(stuck(&slot))),
            Subject::Plugin(slot) => Say::Plugin(Err(stuck(&slot))),
        }
    }
}
