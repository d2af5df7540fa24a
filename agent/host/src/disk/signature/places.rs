//! Where the search for marks looks on a device of some size: found out by letting it look at one that holds nothing,
//! so that no second list of places can differ from the first.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use super::find;
use crate::disk::blank::{PIECE, merged};
use crate::disk::reader::Reader;

/// A device of zeros that notes what is read of it.
struct Asked {
    size: u64,
    at: u64,
    parts: Vec<Range<u64>>,
}

impl Read for &mut Asked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(0);
        let end = self.at + buffer.len() as u64;
        self.parts.push(self.at..end);
        self.at = end;
        Ok(buffer.len())
    }
}

impl Seek for &mut Asked {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.size.saturating_add_signed(by),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

/// The parts that [`find`] reads where it finds nothing; sorted, apart from each other, whole blocks of 4 KiB but for
/// an odd end.
pub(super) fn places(size: u64) -> io::Result<Vec<Range<u64>>> {
    let mut asked = Asked { size, at: 0, parts: Vec::new() };
    find(&mut Reader::new(&mut asked)?)?;
    let block = PIECE as u64;
    let whole = |part: Range<u64>| part.start / block * block..part.end.div_ceil(block) * block;
    Ok(merged(asked.parts.into_iter().map(whole).collect(), size))
}
