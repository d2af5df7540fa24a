//! One file that is read.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::data::Data;
use super::form::{Bytes, ENTRY, broken, id, number};
use super::header::{Header, LENGTH};
use super::kernel_entries::KernelEntries;
use super::line::Line;
use super::{JournalError, Position};

/// Where the fields of an entry begin.
const FIELDS: u64 = 64;
/// journald's own limit (`ENTRY_FIELD_COUNT_MAX`).
const MOST_FIELDS: u64 = 1024;

/// Where in the header is what becomes of the file, and that it is put aside.
const STATE: u64 = 16;
const ARCHIVED: u8 = 2;

/// A file, and how far it was read.
#[derive(Debug)]
pub(super) struct Reading {
    path: PathBuf,
    /// Device and number, to tell whether it is still what its path leads to.
    inode: (u64, u64),
    bytes: Bytes,
    pub(super) header: Header,
    boot_id: u128,
    entries: KernelEntries,
    data: Data,
}

/// What came of reading on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A line of the kernel.
    Line(Position),
    /// Something that is no line.
    Malformed,
    /// An entry of another boot.
    Passed,
    /// There is nothing more, for now.
    End,
}

impl Reading {
    /// Opens a file of the machine for what it has of the boot `boot_id`.
    pub(super) fn open(path: PathBuf, file: File, boot_id: u128) -> Result<Self, JournalError> {
        let metadata = file.metadata().map_err(|source| JournalError::Read { path: path.clone(), source })?;
        let inode = (metadata.dev(), metadata.ino());
        Self::new(path, inode, Bytes::File(Arc::new(file)), Some(boot_id))
    }

    /// For fuzzers and tests: the boot is the one that the file names.
    pub(super) fn of_bytes(bytes: Arc<[u8]>) -> Result<Self, JournalError> {
        Self::new(PathBuf::new(), (0, 0), Bytes::Memory(bytes), None)
    }

    fn new(
        path: PathBuf,
        inode: (u64, u64),
        bytes: Bytes,
        boot_id: Option<u128>,
    ) -> Result<Self, JournalError> {
        let begin: [u8; LENGTH] =
            bytes.array(0).map_err(|source| JournalError::Read { path: path.clone(), source })?;
        let header = Header::parse(&begin).map_err(|why| JournalError::Form { path: path.clone(), why })?;
        let boot_id = boot_id.unwrap_or(header.boot_id);
        let (entries, data) = (KernelEntries::default(), Data::default());
        Ok(Self { path, inode, bytes, header, boot_id, entries, data })
    }

    pub(super) fn id(&self) -> u128 {
        self.header.file_id
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn inode(&self) -> (u64, u64) {
        self.inode
    }

    /// Whether journald writes to it no more.
    pub(super) fn is_archived(&self) -> Result<bool, JournalError> {
        let state = self.bytes.array::<1>(STATE).map_err(|source| self.fail(source))?;
        Ok(state == [ARCHIVED])
    }

    /// Whether it has an entry of the kernel and of this boot. Nothing is taken.
    pub(super) fn has_lines(&self) -> Result<bool, JournalError> {
        let mut ahead = KernelEntries::default();
        let mut find = || {
            while let Some(at) = ahead.next(&self.bytes, &self.header)? {
                if self.entry(at)?.boot_id == self.boot_id {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        find().map_err(|source| self.fail(source))
    }

    /// Whether it has entries that were not read.
    pub(super) fn has_more(&mut self) -> Result<bool, JournalError> {
        self.entries.any(&self.bytes, &self.header).map_err(|source| self.fail(source))
    }

    /// Reads one entry; `line` has it then.
    pub(super) fn next(&mut self, line: &mut Line) -> Result<Step, JournalError> {
        self.step(line).map_err(|source| self.fail(source))
    }

    fn step(&mut self, line: &mut Line) -> io::Result<Step> {
        let Some(at) = self.entries.next(&self.bytes, &self.header)? else { return Ok(Step::End) };
        match self.line(at, line) {
            // One entry that is broken hides no other.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => {
                Ok(Step::Malformed)
            }
            done => done,
        }
    }

    fn line(&mut self, at: u64, line: &mut Line) -> io::Result<Step> {
        let entry = self.entry(at)?;
        if entry.boot_id != self.boot_id {
            return Ok(Step::Passed);
        }
        line.begin(entry.monotonic);
        let width = if self.header.compact { 4 } else { 16 };
        let count = entry.size.saturating_sub(FIELDS) / width;
        for field in 0..count.min(MOST_FIELDS) {
            let from = at + FIELDS + field * width;
            let value = self.bytes.offset(from, self.header.compact)?;
            let whole = self.data.read(&self.bytes, self.header.compact, value, Line::wants)?;
            if whole && Line::wants(self.data.bytes()) {
                line.take(self.data.bytes());
            }
            if line.is_full() {
                break;
            }
        }
        if !line.end() {
            return Ok(Step::Malformed);
        }
        let (series, number, monotonic) = (self.header.series, entry.number, entry.monotonic);
        Ok(Step::Line(Position { series, number, monotonic }))
    }

    fn entry(&self, at: u64) -> io::Result<Entry> {
        let size = self.bytes.object(at, ENTRY)?.size;
        if size < FIELDS {
            return Err(broken(format!("the entry at byte {at} is too short")));
        }
        let head: [u8; 40] = self.bytes.array(at + 16)?;
        Ok(Entry { size, number: number(&head, 0), monotonic: number(&head, 16), boot_id: id(&head, 24) })
    }

    fn fail(&self, source: io::Error) -> JournalError {
        JournalError::Read { path: self.path.clone(), source }
    }
}

/// How an entry begins.
#[derive(Clone, Copy, Debug)]
struct Entry {
    size: u64,
    number: u64,
    /// In microseconds of its boot.
    monotonic: u64,
    boot_id: u128,
}
