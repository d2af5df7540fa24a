//! The blank proof: which parts of a disk are read, and where in them a byte is not zero.

use std::io::{self, Read, Seek};
use std::ops::Range;

use super::reader::Reader;

/// Read at each end: every partition table, RAID superblock and file system header in use lies within.
/// The farthest known are LUKS2's spare header (4 MiB from the start) and ZFS's labels (512 KiB from the end).
pub(crate) const EDGE: u64 = 16 << 20;
/// Pieces between the ends, evenly spaced.
pub(crate) const SAMPLES: u64 = 128;
/// Bytes in such a piece.
pub(crate) const SAMPLE: u64 = 64 << 10;
/// Spans are kept one for each piece of this size: the largest md superblock, and a block of every file system.
const PIECE: usize = 4096;
/// What is asked for at once.
const CHUNK: usize = 512 << 10;
/// Where spare superblocks are kept, beyond the first 16 MiB: btrfs (64 MiB, 256 GiB), and ext's block groups 1
/// and 3 with blocks of 2 KiB and of 4 KiB.
const LANDMARKS: [u64; 6] = [32 << 20, 96 << 20, 64 << 20, 128 << 20, 384 << 20, 256 << 30];

/// The first and the last byte in one piece of 4 KiB that are not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first such byte.
    pub first: u64,
    /// Offset of the last such byte.
    pub last: u64,
}

/// What the proof reads on a device of `size` bytes: sorted, apart from each other, the same for the same size.
pub(crate) fn coverage(size: u64) -> Vec<Range<u64>> {
    // Aligned down, as are the pieces below: then all that is read is aligned, but for an odd end.
    let mut wanted = vec![0..EDGE, size.saturating_sub(EDGE) & !(PIECE as u64 - 1)..size];
    wanted.extend(LANDMARKS.iter().map(|&at| at..at.saturating_add(SAMPLE)));
    for i in 1..=SAMPLES {
        let middle = u128::from(size) * u128::from(i) / u128::from(SAMPLES + 1);
        // Aligned to 4 KiB, so that a piece is never half of a device block.
        let at = u64::try_from(middle).unwrap_or(u64::MAX) & !(PIECE as u64 - 1);
        wanted.push(at..at.saturating_add(SAMPLE));
    }
    for range in &mut wanted {
        range.end = range.end.min(size);
    }
    wanted.retain(|range| range.start < range.end);
    wanted.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in wanted {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Reads everything in [`coverage`] and says where bytes are not zero.
pub(crate) fn scan<D: Read + Seek>(reader: &mut Reader<D>) -> io::Result<Vec<Span>> {
    let mut spans = Vec::new();
    // Aligned in memory too, so that a device that is read directly needs no copy.
    let mut memory = vec![0; CHUNK + PIECE];
    let start = memory.as_ptr().align_offset(PIECE).min(PIECE);
    let buffer = &mut memory[start..start + CHUNK];
    for range in coverage(reader.size()) {
        let mut at = range.start;
        while at < range.end {
            let len = usize::try_from(range.end - at).map_or(buffer.len(), |left| left.min(buffer.len()));
            if !reader.fill(at, &mut buffer[..len])? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            collect(at, &buffer[..len], reader, &mut spans);
            at += len as u64;
        }
    }
    Ok(spans)
}

fn collect<D: Read + Seek>(base: u64, bytes: &[u8], reader: &mut Reader<D>, spans: &mut Vec<Span>) {
    const ZERO: [u8; PIECE] = [0; PIECE];
    for (i, piece) in bytes.chunks(PIECE).enumerate() {
        let start = base + (i * PIECE) as u64;
        if piece == &ZERO[..piece.len()] {
            reader.note_zeros(start..start + piece.len() as u64);
            continue;
        }
        let first = piece.iter().position(|&b| b != 0).unwrap_or(0);
        let last = piece.iter().rposition(|&b| b != 0).unwrap_or(first);
        spans.push(Span { first: start + first as u64, last: start + last as u64 });
    }
}
