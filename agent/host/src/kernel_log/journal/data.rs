//! A value of a field: `MESSAGE=text`, once in a file, however many entries have it.

use std::io;
#[cfg(feature = "zstd")]
use std::io::Read as _;

use super::form::{Bytes, DATA, OBJECT_HEADER, broken, number};
use crate::kernel_log::stream;

/// Where the entries that have it are counted.
pub(super) const COUNT: u64 = 56;
/// Where the value begins.
const PLAIN: u64 = 64;
const COMPACT: u64 = 72;
const ZSTD: u8 = 1 << 2;
const OTHERWISE: u8 = 1 | 1 << 1;
/// A line of the kernel with its field's name: under 8 KiB even with every byte escaped. What is longer is not read.
const MOST: usize = stream::CAPACITY;
/// Most values are no longer than this, so that one call reads them.
const USUAL: usize = 128;

/// `NAME=value`, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Data {
    bytes: Vec<u8>,
}

impl Data {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads the object at `at` to its end where `wanted` says of its beginning that it is of use, and as far as
    /// [`USUAL`] else. Says whether it was read to its end.
    pub(super) fn read(
        &mut self,
        file: &Bytes,
        compact: bool,
        at: u64,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> io::Result<bool> {
        let begin = begins_at(compact);
        let mut head = [0; USUAL];
        let object = file.object(at, DATA)?;
        let size = object
            .size
            .checked_sub(begin)
            .ok_or_else(|| broken(format!("the value at byte {at} is too short")))?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let known = size.min(USUAL);
        let head = &mut head[..known];
        file.exact(at + begin, head)?;
        self.bytes.clear();
        if object.flags & OTHERWISE != 0 {
            return Ok(false);
        }
        let compressed = object.flags & ZSTD != 0;
        if !compressed {
            self.bytes.extend_from_slice(head);
            if size <= USUAL || !wanted(&self.bytes) {
                return Ok(size <= USUAL);
            }
        }
        if size > MOST {
            return Ok(false);
        }
        let mut stored = vec![0; size];
        file.exact(at + begin, &mut stored)?;
        if !compressed {
            self.bytes = stored;
            return Ok(true);
        }
        inflate(&stored, &mut self.bytes)
    }
}

/// Says whether it was read to its end.
#[cfg(feature = "zstd")]
fn inflate(stored: &[u8], to: &mut Vec<u8>) -> io::Result<bool> {
    let decoder = ruzstd::decoding::StreamingDecoder::new(stored);
    let decoder = decoder.map_err(|error| broken(format!("a value is not zstd: {error}")))?;
    let read = decoder.take(MOST as u64 + 1).read_to_end(to);
    Ok(read.map_err(|error| broken(format!("a value is not zstd: {error}")))? <= MOST)
}

/// No line that is understood here is as long as what journald compresses.
#[cfg(not(feature = "zstd"))]
#[expect(clippy::unnecessary_wraps, reason = "as where it can fail")]
fn inflate(_: &[u8], _: &mut Vec<u8>) -> io::Result<bool> {
    Ok(false)
}

fn begins_at(compact: bool) -> u64 {
    if compact { COMPACT } else { PLAIN }
}

/// What leads from a value to the entries that have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    /// The next value of the same field; 0: it is the last.
    pub(super) next_of_field: u64,
    pub(super) first_entry: u64,
    pub(super) array: u64,
    pub(super) entries: u64,
}

impl Links {
    pub(super) fn read(file: &Bytes, at: u64) -> io::Result<Self> {
        file.object(at, DATA)?;
        let links: [u8; 32] = file.array(at + OBJECT_HEADER + 16)?;
        Ok(Self {
            next_of_field: number(&links, 0),
            first_entry: number(&links, 8),
            array: number(&links, 16),
            entries: number(&links, 24),
        })
    }
}
