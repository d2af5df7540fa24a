//! The kernel log, followed.

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use gpunode_host::Root;
use gpunode_host::health::{Seen, Source};
use gpunode_host::kernel_log::{Entry, Follower, FollowerError, Item, Parser, Progress, Start};

use super::{PATIENCE, Place};
use crate::clock;
use crate::feed::{Feed, Over};
use crate::gate::First;
use crate::settings::KernelLog;

/// Records of one go.
const GO: usize = 512;
/// Between two reads of something that always counts as readable: a file that stands in for the log, a FIFO that
/// nobody writes to.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two tries to open it.
const AGAIN: Duration = Duration::from_secs(10);

/// Follows it; a log that cannot be read is opened again and again.
pub(crate) fn run(place: &Place) -> Result<(), Over> {
    // What a line is about is found by names.
    place.gate.wait(&[First::GpuBus, First::Efa, First::Gpus], PATIENCE);
    let mut start = place.settings.kernel_log.start.clone();
    while !place.bell.is_over() {
        let error = match Reader::open(&place.settings.root, &place.settings.kernel_log, start.clone()) {
            Ok(mut reader) => match follow(place, &mut reader) {
                Ok(over) => return over,
                Err(error) => {
                    start = reader.follower.seen().map_or(start, Start::After);
                    error
                }
            },
            Err(error) => error,
        };
        let why = format!("{error}: {}", error.source);
        place.feed.saw(Seen::Unseen(Source::KernelLog, why))?;
        let until = Instant::now() + AGAIN;
        while Instant::now() < until && !place.bell.is_over() {
            place.bell.wait(until);
        }
    }
    Ok(())
}

fn follow(place: &Place, reader: &mut Reader) -> Result<Result<(), Over>, FollowerError> {
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
        if !told {
            told = true;
            if place.feed.saw(Seen::Heard(Source::KernelLog)).is_err() {
                return Ok(Err(Over));
            }
        }
        if !any {
            // It was readable, and nothing was in it.
            place.bell.wait(Instant::now() + PAUSE);
        }
        place.bell.wait_with(Some(reader.follower.as_fd()), Instant::now() + Duration::from_secs(3600));
    }
    Ok(Ok(()))
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

/// Records to lines.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) follower: Follower,
    parser: Parser,
}

impl Reader {
    pub(crate) fn open(root: &Root, log: &KernelLog, start: Start) -> Result<Self, FollowerError> {
        let follower = Follower::open(root, &log.path, start)?;
        Ok(Self { follower, parser: Parser::new(log.speakers) })
    }

    /// Reads `limit` records at most. Says also whether there was any.
    pub(crate) fn read(
        &mut self,
        limit: usize,
        mut each: impl FnMut(Line),
    ) -> Result<(Progress, bool), FollowerError> {
        let (parser, mut any) = (&mut self.parser, false);
        let progress = self.follower.read(limit, |item| {
            any = true;
            match item {
                Item::Record(record) => {
                    if let Some(entry) = parser.parse(&record) {
                        each(Line::Entry(Box::new(entry)));
                    }
                }
                Item::Lost(count) => each(Line::Lost(count)),
                Item::Malformed => {}
            }
        })?;
        Ok((progress, any))
    }
}
