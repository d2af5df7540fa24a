//! What went wrong, in the words of [`Trouble`].

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Instant, SystemTime};

use gpunode_probe_protocol::library::Unusable;
use gpunode_probe_protocol::message::Say;

use crate::starved::Before;
use crate::trouble::{End, Trouble};

pub(super) fn how(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exit(code),
        (_, Some(signal)) => End::Signal(signal),
        _ => End::Unknown,
    }
}

pub(super) fn garbage(what: &str) -> Trouble {
    Trouble::Garbage { what: what.to_owned() }
}

/// An answer that does not belong to its question.
pub(crate) fn unexpected(say: &Say) -> Trouble {
    garbage(&format!("{} as the answer to something else", name(say)))
}

/// Nothing came by `until` of a process that was as `before` when it was asked at `begun`.
pub(super) fn silent(begun: Instant, until: Instant, before: &Before) -> Trouble {
    if let Some(waited) = before.starved_for(until.saturating_duration_since(begun), false) {
        return Trouble::Starved { waited, lives: false };
    }
    let waited = begun.elapsed();
    let since = SystemTime::now().checked_sub(waited).unwrap_or(SystemTime::UNIX_EPOCH);
    Trouble::Hung { call: None, gpu: None, since, waited }
}

/// Whether the answer is that a call does not come back.
pub(super) fn is_stuck(say: &Say) -> bool {
    let why = match say {
        Say::Gpus(Ok(sweep)) => return sweep.stuck.is_some(),
        Say::Gpus(Err(why)) | Say::Events(Err(why)) | Say::Interfaces(Err(why)) | Say::Plugin(Err(why)) => {
            why
        }
        _ => return false,
    };
    matches!(why, Unusable::Stuck { .. })
}

pub(super) fn name(say: &Say) -> &'static str {
    match say {
        Say::Hello(_) => "hello",
        Say::Gpus(_) => "a sweep",
        Say::Events(_) => "a registration of events",
        Say::Event(_) => "an event",
        Say::EventsEnded(_) => "the end of events",
        Say::Interfaces(_) => "a list of interfaces",
        Say::Plugin(_) => "a plugin",
        Say::Goodbye => "goodbye",
    }
}
