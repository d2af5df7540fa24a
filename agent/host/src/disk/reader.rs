//! Bounded reads at an offset.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;

/// Blocks that are kept, in bytes.
const PIECE: usize = 4096;
const BLOCK: u64 = PIECE as u64;

/// What is looked at: a block device, or an image of one.
pub trait Device: Read + Seek {
    /// Fills `buffer` with these parts of the device, one directly behind the other; together they are as long as it.
    ///
    /// One after the other here. A device that can be asked for many at once should be: a blank proof is a thousand
    /// small parts.
    ///
    /// # Errors
    /// Any error of the device, its end among them; the buffer then holds anything.
    fn read_parts(&mut self, parts: &[Range<u64>], buffer: &mut [u8]) -> io::Result<()> {
        read_in_turn(self, parts, buffer)
    }
}

/// [`Device::read_parts`], one after the other.
///
/// # Errors
/// Any error of the device, its end among them; the buffer then holds anything.
pub fn read_in_turn<D: Read + Seek + ?Sized>(
    device: &mut D,
    parts: &[Range<u64>],
    buffer: &mut [u8],
) -> io::Result<()> {
    let mut rest = buffer;
    for part in parts {
        let len = usize::try_from(part.end.saturating_sub(part.start)).unwrap_or(usize::MAX);
        let (bytes, others) = rest.split_at_mut_checked(len).ok_or(io::ErrorKind::InvalidInput)?;
        device.seek(SeekFrom::Start(part.start))?;
        device.read_exact(bytes)?;
        rest = others;
    }
    Ok(())
}

impl Device for File {}
impl<T: AsRef<[u8]>> Device for Cursor<T> {}

/// A device or image that is read in pieces, never beyond its end.
pub(crate) struct Reader<D> {
    device: D,
    size: u64,
    /// Parts that were read and hold nothing but zeros; sorted, apart from each other. They are not read again.
    zeros: Vec<Range<u64>>,
    /// Blocks of 4 KiB that were read and kept, by offset, the last of the device perhaps shorter.
    kept: BTreeMap<u64, Vec<u8>>,
}

impl<D: Read + Seek> Reader<D> {
    pub(crate) fn new(mut device: D) -> io::Result<Self> {
        let size = device.seek(SeekFrom::End(0))?;
        Ok(Self { device, size, zeros: Vec::new(), kept: BTreeMap::new() })
    }

    /// Bytes in the device.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Fills `buffer` from `offset`; false, and nothing read, where that would go beyond the end.
    pub(crate) fn fill(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
        let fits = offset.checked_add(buffer.len() as u64).is_some_and(|end| end <= self.size);
        if fits && !self.fill_from_known(offset, buffer) {
            self.device.seek(SeekFrom::Start(offset))?;
            self.device.read_exact(buffer)?;
        }
        Ok(fits)
    }

    /// Fills `buffer` with these parts of the device, one directly behind the other.
    pub(crate) fn read_parts(&mut self, parts: &[Range<u64>], buffer: &mut [u8]) -> io::Result<()>
    where
        D: Device,
    {
        self.device.read_parts(parts, buffer)
    }

    /// Remembers that these bytes, which lie behind all that was noted before, were read and are zero.
    pub(crate) fn note_zeros(&mut self, range: Range<u64>) {
        match self.zeros.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.zeros.push(range),
        }
    }

    /// Keeps the bytes of one block of 4 KiB, so that they are not read again.
    pub(crate) fn keep(&mut self, offset: u64, block: &[u8]) {
        self.kept.insert(offset, block.to_owned());
    }

    /// Fills `buffer` from what was read before; false where some of it was not, and then it holds anything.
    fn fill_from_known(&self, mut offset: u64, mut buffer: &mut [u8]) -> bool {
        if self.is_zero(offset, buffer.len() as u64) {
            buffer.fill(0);
            return true;
        }
        while !buffer.is_empty() {
            let into = usize::try_from(offset % BLOCK).unwrap_or_default();
            let len = buffer.len().min(PIECE - into);
            let (part, rest) = buffer.split_at_mut(len);
            if let Some(bytes) =
                self.kept.get(&(offset - offset % BLOCK)).and_then(|b| b.get(into..into + len))
            {
                part.copy_from_slice(bytes);
            } else if self.is_zero(offset, len as u64) {
                part.fill(0);
            } else {
                return false;
            }
            offset += len as u64;
            buffer = rest;
        }
        true
    }

    fn is_zero(&self, offset: u64, len: u64) -> bool {
        let after = self.zeros.partition_point(|range| range.start <= offset);
        let before = after.checked_sub(1).and_then(|index| self.zeros.get(index));
        before.is_some_and(|range| offset + len <= range.end)
    }

    /// `N` bytes at `offset`, or `None` where that would go beyond the end.
    pub(crate) fn bytes<const N: usize>(&mut self, offset: u64) -> io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        Ok(self.fill(offset, &mut bytes)?.then_some(bytes))
    }

    /// `len` bytes at `offset`, or `None` where that would go beyond the end.
    pub(crate) fn vec(&mut self, offset: u64, len: usize) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; len];
        Ok(self.fill(offset, &mut bytes)?.then_some(bytes))
    }
}

/// `N` bytes of a buffer, zero where it is too short; for fields of a structure that was read whole.
pub(crate) fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    if let Some(part) = bytes.get(at..at + N) {
        out.copy_from_slice(part);
    }
    out
}

pub(crate) fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(field(bytes, at))
}

pub(crate) fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(field(bytes, at))
}

pub(crate) fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(field(bytes, at))
}

/// Text in a fixed field: up to the first NUL, trailing white space dropped.
pub(crate) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned()
}

#[cfg(test)]
mod tests;
