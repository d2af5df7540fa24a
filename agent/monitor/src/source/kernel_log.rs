//! The kernel log, followed.

mod reader;

use std::time::{Duration, Instant};

use gpunode_host::health::{Seen, Source};
use gpunode_host::kernel_log::{Entry, Progress};

pub(crate) use self::reader::{From, Reader};
use super::{PATIENCE, Place};
use crate::clock;
use crate::feed::{Feed, Over};
use crate::gate::First;
use crate::state::State;

/// Records of one go.
const GO: usize = 512;
/// Between two tries to open it.
const AGAIN: Duration = Duration::from_secs(10);

/// Follows it; a log that cannot be read is opened again and again.
pub(crate) fn run(place: &Place) -> Result<(), Over> {
    // What a line is about is found by names.
    place.gate.wait(&[First::GpuBus, First::Efa, First::Gpus], PATIENCE);
    let mut from = From::new(place.settings.kernel_log.start.clone());
    while !place.bell.is_over() {
        let why = match Reader::open(&place.settings.root, &place.settings.kernel_log, &from) {
            Ok(mut reader) => match follow(place, &mut reader) {
                Ok(over) => return over,
                Err(why) => {
                    reader.note(&mut from);
                    why
                }
            },
            Err(why) => why,
        };
        place.feed.saw(Seen::Unseen(Source::KernelLog, why))?;
        let until = Instant::now() + AGAIN;
        while Instant::now() < until && !place.bell.is_over() {
            place.bell.wait(until);
        }
    }
    Ok(())
}

fn follow(place: &Place, reader: &mut Reader) -> Result<Result<(), Over>, String> {
    let mut told = false;
    while !place.bell.is_over() {
        let mut sent = Ok(());
        let (progress, any) = reader.read(GO, |seen| send(&place.feed, seen, &mut sent))?;
        if sent.is_err() {
            return Ok(sent);
        }
        if progress == Progress::More {
            continue;
        }
        if !std::mem::replace(&mut told, true) && heard(&place.feed, reader).is_err() {
            return Ok(Err(Over));
        }
        reader.wait(&place.bell, any);
    }
    Ok(Ok(()))
}

fn heard(feed: &Feed, reader: &Reader) -> Result<(), Over> {
    if let Some(instead) = reader.instead() {
        feed.state(Source::KernelLog, State::Instead(instead.to_owned()))?;
    }
    feed.saw(Seen::Heard(Source::KernelLog))
}

fn send(feed: &Feed, what: Line, sent: &mut Result<(), Over>) {
    if sent.is_ok() {
        *sent = match what {
            Line::Entry(entry) => feed.saw_at(clock::said_at(entry.microseconds), Seen::Kernel(entry)),
            Line::Lost(count) => feed.saw(Seen::KernelLost(count)),
        };
    }
}

/// Something of the log.
#[derive(Debug)]
pub(crate) enum Line {
    /// A line that says something.
    Entry(Box<Entry>),
    /// So many records were overwritten unread.
    Lost(u64),
}
