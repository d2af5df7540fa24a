//! The kernel's lines in the journal's files, for a program that may not open `/dev/kmsg`.
//!
//! journald reads `/dev/kmsg` itself and keeps what it read in files, by a form that systemd documents
//! ("Journal File Format", <https://systemd.io/JOURNAL_FILE_FORMAT/>). [`Journal`] reads those files, and of them only
//! what came from the kernel in this boot: every value that a field ever had leads to the entries that have it, so that
//! whatever else a busy journal holds is passed over unread.
//!
//! Not by `journalctl --follow`: journald tells those who wait for its files of a new line only 250 ms after it
//! (`POST_CHANGE_TIMER_INTERVAL_USEC`), though the line is in the file at once; and it would be one more process, of
//! the host's, to be started and ended. Not by libsystemd, which static programs do not have.

mod data;
mod files;
mod form;
mod header;
mod kernel_entries;
mod line;
mod reading;

use std::io;
use std::path::PathBuf;

pub use files::FOLDERS;
pub use header::Unknown;

use self::files::Place;
use self::line::Line;
use self::reading::{Reading, Step};
use super::{Item, Progress, Record};
use crate::Root;

/// journald marks a file that it puts aside; one that somebody else took away is found after so many looks: a second, by
/// the monitor's pace.
const PATH: u32 = 14;

/// How far somebody has read, for one who opens the journal again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// journald counts entries anew under another of these.
    series: u128,
    number: u64,
    /// When journald took the line in; kept where an entry is copied to another file.
    monotonic: u64,
}

/// The journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The machine does not say which journal is its own, or which boot this is.
    #[error("{0} does not say whose journal to read")]
    Nameless(&'static str),
    /// journald keeps nothing of this boot.
    #[error("no journal of this boot is in /var/log/journal or /run/log/journal")]
    Absent,
    /// There are files of this boot, and no line of the kernel.
    #[error(
        "the journal has no line of the kernel of this boot: journald does not read them, or keeps them no more"
    )]
    Silent,
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// As the machine sees it.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not as it should be.
    #[error("cannot read {path}: {why}")]
    Form {
        /// As the machine sees it.
        path: PathBuf,
        /// What is wrong with it.
        why: Unknown,
    },
}

impl JournalError {
    /// With the reason, for who has no place for a chain of causes.
    pub fn words(&self) -> String {
        std::error::Error::source(self).map_or_else(|| self.to_string(), |source| format!("{self}: {source}"))
    }
}

/// The journal, followed. It is asked again and again: nothing tells of a new line at once.
#[derive(Debug)]
pub struct Journal {
    place: Place,
    /// Oldest first; the last one is written to.
    files: Vec<Reading>,
    /// Those that were read to their end.
    done: Vec<u128>,
    /// The line that was taken last.
    last: Option<Position>,
    /// How often there was nothing more.
    ends: u32,
    line: Line,
}

impl Journal {
    /// Opens the journal of the machine `root`, to be read from the first line of this boot or behind `after`.
    pub fn open(root: &Root, after: Option<Position>) -> Result<Self, JournalError> {
        let place = Place::of(root)?;
        let mut journal =
            Self { place, files: Vec::new(), done: Vec::new(), last: after, ends: 0, line: Line::default() };
        journal.look_for_files()?;
        let mut why = JournalError::Silent;
        for file in &mut journal.files {
            match file.has_lines() {
                Ok(true) => return Ok(journal),
                Ok(false) => {}
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    /// How far this has read; `None` before the first line.
    pub fn position(&self) -> Option<Position> {
        self.last
    }

    /// Reads on: at most `limit` lines, those that were seen before among them. `each` gets what is new, in order.
    /// [`Record::sequence`] is journald's number here, and not the kernel's.
    pub fn read(&mut self, limit: usize, mut each: impl FnMut(Item<'_>)) -> Result<Progress, JournalError> {
        for _ in 0..limit {
            let is_last = self.files.len() < 2;
            let Some(file) = self.files.first_mut() else { return Ok(Progress::Drained) };
            let step = match file.next(&mut self.line) {
                // What is broken and will not be written to any more hides no other.
                Err(_) if !is_last => {
                    each(Item::Lost(1));
                    Step::End
                }
                step => step?,
            };
            match step {
                Step::Line(at) if self.last.is_some_and(|last| last.covers(at)) => {}
                Step::Line(at) => {
                    self.last = Some(at);
                    each(Item::Record(self.line.record(at.number)));
                }
                Step::Malformed => each(Item::Malformed),
                Step::Passed => {}
                Step::End if !is_last => self.leave(),
                Step::End if is_live(&self.place, file, &mut self.ends)? => return Ok(Progress::Drained),
                // journald has moved it aside, perhaps with a line that came after the last look.
                Step::End => {
                    self.look_for_files()?;
                    let more = self.files.first_mut().map_or(Ok(false), Reading::has_more)?;
                    if !more && self.files.len() < 2 {
                        return Ok(Progress::Drained);
                    }
                }
            }
        }
        Ok(Progress::More)
    }

    fn leave(&mut self) {
        self.done.push(self.files.remove(0).id());
    }

    /// Adds what is there of this boot and was not read yet.
    fn look_for_files(&mut self) -> Result<(), JournalError> {
        let found = self.place.candidates()?;
        self.done.retain(|done| found.iter().any(|it| it.id() == *done));
        for reading in found {
            let id = reading.id();
            if !self.done.contains(&id) && !self.files.iter().any(|file| file.id() == id) {
                self.files.push(reading);
            }
        }
        Ok(())
    }
}

/// Whether `file` is still written to. What its path leads to costs more than all else of a look, so it is asked once in
/// [`PATH`] looks.
fn is_live(place: &Place, file: &Reading, ends: &mut u32) -> Result<bool, JournalError> {
    *ends = ends.wrapping_add(1);
    Ok(!file.is_archived()? && (!ends.is_multiple_of(PATH) || place.is_live(file)))
}

impl Position {
    /// Whether the line at `other` was read when this one was. When journald moves its files from memory to the disk, it
    /// may number the entries anew, but keeps their time.
    fn covers(self, other: Self) -> bool {
        if self.series == other.series {
            other.number <= self.number || other.monotonic < self.monotonic
        } else {
            other.monotonic <= self.monotonic
        }
    }
}

/// Entry for fuzzers: `bytes` as the one file of the boot that it says it is of. Every line it has goes to `each`.
pub fn fuzz(bytes: &[u8], mut each: impl FnMut(Record<'_>)) {
    let bytes: std::sync::Arc<[u8]> = bytes.into();
    let Ok(mut reading) = Reading::of_bytes(bytes) else { return };
    let mut line = Line::default();
    // No file of this size has more entries.
    for _ in 0..4096 {
        match reading.next(&mut line) {
            Ok(Step::Line(at)) => each(line.record(at.number)),
            Ok(Step::Malformed | Step::Passed) => {}
            Ok(Step::End) | Err(_) => return,
        }
    }
}
