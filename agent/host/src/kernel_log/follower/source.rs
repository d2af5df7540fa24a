//! What is read from: the kernel's device, whose every read is one record, or a file or a FIFO that stands in for it.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::libc::{O_CLOEXEC, O_NONBLOCK};

use crate::kernel_log::stream::{Piece, Stream};

#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: File,
    pub(super) device: bool,
    stream: Stream,
}

/// What one read brought.
pub(super) enum Next {
    /// Where in [`Source::bytes`] a record is.
    Record(Range<usize>),
    /// Read again.
    Again,
    /// Records were overwritten before they could be read.
    Overrun,
    Malformed,
    Empty,
}

impl Source {
    /// Opens `path`, at its end or at its beginning.
    pub(super) fn open(path: &Path, at_end: bool) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).custom_flags(O_NONBLOCK | O_CLOEXEC).open(path)?;
        let kind = file.metadata()?.file_type();
        // A FIFO cannot be sought in, and holds nothing old.
        if at_end && !kind.is_fifo() {
            file.seek(SeekFrom::End(0))?;
        }
        Ok(Self { file, device: kind.is_char_device(), stream: Stream::new() })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.stream.bytes()
    }

    pub(super) fn next(&mut self) -> io::Result<Next> {
        if self.device {
            return match self.file.read(self.stream.whole()) {
                Ok(0) => Ok(Next::Empty),
                Ok(length) => Ok(Next::Record(0..length)),
                Err(error) => refused(error),
            };
        }
        match self.stream.take() {
            Piece::Record(range) => return Ok(Next::Record(range)),
            Piece::Overlong => return Ok(Next::Malformed),
            Piece::Wanting => {}
        }
        match self.file.read(self.stream.room()) {
            // The end of a file, or a FIFO that nobody has open for writing.
            Ok(0) if self.file.metadata()?.nlink() > 0 => Ok(Next::Empty),
            // Whoever writes on does so to another file of that name.
            Ok(0) => Err(io::Error::new(ErrorKind::NotFound, "it was removed")),
            Ok(length) => {
                self.stream.filled(length);
                Ok(Next::Again)
            }
            Err(error) => refused(error),
        }
    }
}

fn refused(error: io::Error) -> io::Result<Next> {
    match error.kind() {
        ErrorKind::WouldBlock => Ok(Next::Empty),
        ErrorKind::BrokenPipe => Ok(Next::Overrun),
        ErrorKind::Interrupted => Ok(Next::Again),
        // The record is longer than the buffer; the kernel has gone past it.
        ErrorKind::InvalidInput => Ok(Next::Malformed),
        _ => Err(error),
    }
}
