//! `/dev/kmsg`, read to its end again and again.

mod source;
#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use self::source::{Next, Source};
use super::Record;
use crate::Root;

/// Where the kernel gives its log.
pub const DEVICE: &str = "/dev/kmsg";
/// Changes with every boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// How far somebody has read, to be kept over a restart of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The boot; sequence numbers begin anew with each.
    pub boot_id: String,
    /// The last record that was read.
    pub sequence: u64,
}

/// Where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record that the kernel still has.
    Oldest,
    /// With what is said from now on.
    Now,
    /// Behind the last record that was read; with the oldest one after a reboot.
    After(Seen),
}

/// What a read finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A record.
    Record(Record<'a>),
    /// So many records were overwritten before they could be read, between the record before and the one after. At
    /// least one, where there was none before.
    Lost(u64),
    /// Something that is no record, or is too long for one.
    Malformed,
}

/// Whether there is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Everything was read; wait until the file descriptor is readable.
    Drained,
    /// The limit was reached first; read again.
    More,
}

/// The log cannot be opened or read.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} the kernel log {path}")]
pub struct FollowerError {
    /// The path as the machine sees it.
    pub path: PathBuf,
    /// `open` or `read`.
    pub verb: &'static str,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Reads the kernel log without ever waiting for it. [`AsFd`] gives the descriptor to poll.
#[derive(Debug)]
pub struct Follower {
    source: Source,
    path: PathBuf,
    boot_id: String,
    /// The last record that was read or skipped.
    last: Option<u64>,
    /// The kernel says that records were overwritten; the next one's number tells how many.
    overrun: bool,
    /// Records up to this one were read before a restart.
    skip_to: Option<u64>,
}

impl Follower {
    /// Opens `path` (as a rule [`DEVICE`]) on the machine `root`. A file or a FIFO of records, one a line, may stand in;
    /// once it has been removed and was read to its end, reading is an error.
    pub fn open(root: &Root, path: &str, start: Start) -> Result<Self, FollowerError> {
        let fail = |source| FollowerError { path: path.into(), verb: "open", source };
        let source = Source::open(&root.at(path), start == Start::Now).map_err(fail)?;
        let boot_id = root.value(BOOT_ID).unwrap_or_default();
        let skip_to = match start {
            Start::After(seen) => (seen.boot_id == boot_id).then_some(seen.sequence),
            Start::Oldest | Start::Now => None,
        };
        // What lies between what was seen and the oldest record is lost too.
        Ok(Self { source, path: path.into(), boot_id, last: skip_to, overrun: false, skip_to })
    }

    /// The boot whose log this is; empty where the machine does not say. It differs from that of a [`Seen`] after a
    /// reboot, which the log itself does not tell.
    pub fn boot_id(&self) -> &str {
        &self.boot_id
    }

    /// How far this has read; `None` before the first record.
    pub fn seen(&self) -> Option<Seen> {
        self.last.map(|sequence| Seen { boot_id: self.boot_id.clone(), sequence })
    }

    /// Reads on: at most `limit` records, those that were seen before among them. `each` gets what is new, in order.
    pub fn read(&mut self, limit: usize, mut each: impl FnMut(Item<'_>)) -> Result<Progress, FollowerError> {
        for _ in 0..limit {
            let fail = |source| FollowerError { path: self.path.clone(), verb: "read", source };
            match self.source.next().map_err(fail)? {
                Next::Empty => return Ok(Progress::Drained),
                Next::Again => {}
                Next::Overrun => self.overrun = true,
                Next::Malformed => each(Item::Malformed),
                Next::Record(range) => match Record::parse(&self.source.bytes()[range]) {
                    None => each(Item::Malformed),
                    Some(record) if self.skip_to.is_some_and(|seen| record.sequence <= seen) => {}
                    Some(record) => {
                        self.skip_to = None;
                        let lost = lost_before(record.sequence, self.last, std::mem::take(&mut self.overrun));
                        self.last = Some(record.sequence);
                        if lost > 0 {
                            each(Item::Lost(lost));
                        }
                        each(Item::Record(record));
                    }
                },
            }
        }
        Ok(Progress::More)
    }
}

fn lost_before(sequence: u64, last: Option<u64>, overrun: bool) -> u64 {
    last.map_or(u64::from(overrun), |last| sequence.saturating_sub(last.saturating_add(1)))
}

impl AsFd for Follower {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.file.as_fd()
    }
}
