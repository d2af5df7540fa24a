//! The blank proof: reads the places that [`places`] names and says where in them a byte is not zero.

mod places;
#[cfg(test)]
mod tests;

use std::io;
use std::ops::Range;

use super::reader::{Device, Reader};

#[cfg(test)]
pub(crate) use places::EDGE;
pub(crate) use places::{PIECE, coverage, merged};

/// What is asked for at once, in bytes, where the caller brings no memory.
const BATCH: usize = 256 << 10;

/// The first and the last byte in one piece of 4 KiB that are not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first such byte.
    pub first: u64,
    /// Offset of the last such byte.
    pub last: u64,
}

/// Reads everything in [`coverage`] and says where bytes are not zero.
pub(crate) fn scan<D: Device>(
    reader: &mut Reader<D>,
    salt: &str,
    memory: &mut [u8],
) -> io::Result<Vec<Span>> {
    let mut spans = Vec::new();
    for_each(reader, coverage(reader.size(), salt), memory, |reader, part, bytes| {
        sift(reader, part.start, bytes, |_, start, piece| spans.push(span(start, piece)));
    })?;
    Ok(spans)
}

/// Memory of the usual size to read into, 256 KiB, for one look after the other.
pub struct Memory(Vec<u8>);

impl Default for Memory {
    fn default() -> Self {
        Self(vec![0; BATCH + PIECE])
    }
}

impl Memory {
    /// Aligned to 4 KiB, so that a device that is read directly needs no copy.
    pub fn bytes(&mut self) -> &mut [u8] {
        let start = self.0.as_ptr().align_offset(PIECE).min(PIECE);
        &mut self.0[start..start + BATCH]
    }
}

/// Reads these parts, which are sorted, and hands them on in pieces that fill `memory` at most, of which whole pieces
/// of 4 KiB are used.
pub(crate) fn for_each<D: Device>(
    reader: &mut Reader<D>,
    parts: Vec<Range<u64>>,
    memory: &mut [u8],
    mut seen: impl FnMut(&mut Reader<D>, Range<u64>, &[u8]),
) -> io::Result<()> {
    let size = memory.len() / PIECE * PIECE;
    if size == 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let buffer = &mut memory[..size];
    for parts in batches(parts, size) {
        let mut rest = &mut buffer[..parts.iter().map(|part| length(part, size)).sum()];
        reader.read_parts(&parts, rest)?;
        for part in parts {
            let (bytes, others) = rest.split_at_mut(length(&part, size));
            seen(reader, part, bytes);
            rest = others;
        }
    }
    Ok(())
}

/// The same places in the same order, cut and put together so that each batch fills `size` bytes at most, with no more
/// parts than there is room for pieces.
fn batches(ranges: Vec<Range<u64>>, size: usize) -> Vec<Vec<Range<u64>>> {
    let length = |part: &Range<u64>| length(part, size);
    let mut batches: Vec<Vec<Range<u64>>> = Vec::new();
    let mut room = 0;
    for range in ranges {
        let mut at = range.start;
        while at < range.end {
            let part = at..range.end.min(at + size as u64);
            at = part.end;
            match batches.last_mut() {
                Some(batch) if length(&part) <= room && batch.len() < size / PIECE => {
                    room -= length(&part);
                    batch.push(part);
                }
                _ => {
                    room = size - length(&part);
                    batches.push(vec![part]);
                }
            }
        }
    }
    batches
}

/// Bytes of a part, of which none is larger than the buffer.
fn length(part: &Range<u64>, size: usize) -> usize {
    usize::try_from(part.end - part.start).unwrap_or(size).min(size)
}

/// Notes which pieces are zero, and hands on the others with their offset.
pub(crate) fn sift<D: Device>(
    reader: &mut Reader<D>,
    base: u64,
    bytes: &[u8],
    mut other: impl FnMut(&mut Reader<D>, u64, &[u8]),
) {
    const ZERO: [u8; PIECE] = [0; PIECE];
    for (i, piece) in bytes.chunks(PIECE).enumerate() {
        let start = base + (i * PIECE) as u64;
        // One call of memcmp, which takes the widest registers of the processor at hand.
        if piece == &ZERO[..piece.len()] {
            reader.note_zeros(start..start + piece.len() as u64);
        } else {
            other(reader, start, piece);
        }
    }
}

fn span(start: u64, piece: &[u8]) -> Span {
    let first = piece.iter().position(|&b| b != 0).unwrap_or(0);
    let last = piece.iter().rposition(|&b| b != 0).unwrap_or(first);
    Span { first: start + first as u64, last: start + last as u64 }
}
