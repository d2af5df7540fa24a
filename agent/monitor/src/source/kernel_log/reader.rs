//! Records to lines, from the kernel's device or, where that is withheld from us, from the journal.

use std::io::ErrorKind;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use gpunode_host::Root;
use gpunode_host::kernel_log::{Follower, FollowerError, Item, Journal, Parser, Position, Progress, Start};

use super::Line;
use crate::bell::Bell;
use crate::settings::KernelLog;

/// Between two reads of something that always counts as readable: a file that stands in for the log, a FIFO that nobody
/// writes to.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two reads of the journal. A line of it is to be a finding within 100 ms, and each look costs 50 µs, most of them for
/// the thread's waking.
const JOURNAL: Duration = Duration::from_millis(70);

/// Where to begin.
#[derive(Clone, Debug)]
pub(crate) struct From {
    device: Start,
    journal: Option<Position>,
}

impl From {
    /// The journal is read from the first line of this boot.
    pub(crate) fn new(device: Start) -> Self {
        Self { device, journal: None }
    }
}

/// Reads one of the two.
#[derive(Debug)]
pub(crate) struct Reader {
    log: Log,
    parser: Parser,
}

#[derive(Debug)]
enum Log {
    Device(Follower),
    /// And why the device is not read.
    Journal(Box<Journal>, String),
}

impl Reader {
    /// Opens the device, or the journal where the device is not to be had. The error is for people.
    pub(crate) fn open(root: &Root, log: &KernelLog, from: &From) -> Result<Self, String> {
        let log_of = match Follower::open(root, &log.path, from.device.clone()) {
            Ok(follower) => Log::Device(follower),
            Err(error) if is_withheld(&error) => match Journal::open(root, from.journal) {
                Ok(journal) => {
                    Log::Journal(Box::new(journal), format!("read from the journal: {}", words(&error)))
                }
                Err(also) => return Err(format!("{}; {}", words(&error), also.words())),
            },
            Err(error) => return Err(words(&error)),
        };
        Ok(Self { log: log_of, parser: Parser::new(log.speakers) })
    }

    /// What is read instead of the kernel's device, and why.
    pub(crate) fn instead(&self) -> Option<&str> {
        match &self.log {
            Log::Device(_) => None,
            Log::Journal(_, why) => Some(why),
        }
    }

    /// Notes how far this has read.
    pub(crate) fn note(&self, from: &mut From) {
        match &self.log {
            Log::Device(follower) => {
                if let Some(seen) = follower.seen() {
                    from.device = Start::After(seen);
                }
            }
            Log::Journal(journal, _) => from.journal = journal.position(),
        }
    }

    /// Reads `limit` records at most. Says also whether there was any. The error is for people.
    pub(crate) fn read(
        &mut self,
        limit: usize,
        mut each: impl FnMut(Line),
    ) -> Result<(Progress, bool), String> {
        let (parser, mut any) = (&mut self.parser, false);
        let take = |item: Item<'_>| {
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
        };
        let progress = match &mut self.log {
            Log::Device(follower) => follower.read(limit, take).map_err(|error| words(&error))?,
            Log::Journal(journal, why) => {
                journal.read(limit, take).map_err(|error| format!("{}; {why}", error.words()))?
            }
        };
        Ok((progress, any))
    }

    /// Waits until there may be more; `any`: the last read found something.
    pub(crate) fn wait(&self, bell: &Bell, any: bool) {
        let Log::Device(follower) = &self.log else { return bell.wait(Instant::now() + JOURNAL) };
        if !any {
            // It was readable, and nothing was in it.
            bell.wait(Instant::now() + PAUSE);
        }
        bell.wait_with(Some(follower.as_fd()), Instant::now() + Duration::from_secs(3600));
    }
}

/// Whether the device is not there for us: a container that was not given it, or a user who may not read it.
fn is_withheld(error: &FollowerError) -> bool {
    matches!(error.source.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied)
}

fn words(error: &FollowerError) -> String {
    format!("{error}: {}", error.source)
}
