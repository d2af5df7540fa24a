//! What is on a disk: names of the signatures that are found, and where bytes are not zero.
//!
//! More is recognised than by libblkid, on purpose: no checksum has to fit and no size has to be plausible for a
//! name to be given, and several names are given where a disk carries several. A name too many only makes a
//! message longer; nothing is ever done to a disk on the strength of a name, except for our own two formats, which
//! are checked with their checksums.

mod dos;
mod ext;
mod magics;
mod md;
mod places;
mod xfs;
mod zfs;

#[cfg(test)]
mod tests;

use std::io::{self, Read, Seek};

use uuid::Uuid;

pub use super::blank::Span;
use super::blank::{Memory, for_each, scan, sift};
use super::reader::{Device, Reader};
pub use md::MdSuper;
pub(super) use md::checksum as md_checksum;
pub use xfs::XfsSuper;
pub(super) use xfs::crc32c;

/// One format that left its mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The format's name; libblkid's (`TYPE` or `PTTYPE`) where it has one.
    pub name: &'static str,
    /// Where on the disk the mark is, in bytes.
    pub offset: u64,
    /// What more is known, for the two formats that gpunode writes itself.
    pub content: Content,
}

/// What is known beyond the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing more.
    Plain,
    /// An XFS superblock at the start of the device.
    Xfs(XfsSuper),
    /// An md superblock of version 1.x.
    Md(MdSuper),
}

/// Everything that was seen on one disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Bytes in the device that was read.
    pub size: u64,
    /// By offset, then name.
    pub signatures: Vec<Signature>,
    /// Where bytes are not zero, in the parts that the blank proof reads. Ascending.
    pub data: Vec<Span>,
}

impl Probe {
    /// Whether nothing at all was found.
    pub fn is_blank(&self) -> bool {
        self.size > 0 && self.signatures.is_empty() && self.data.is_empty()
    }

    /// A sentence about what was found, with offsets, and the offset of the first thing.
    pub fn summary(&self) -> (String, Option<u64>) {
        let Some(first) = self.signatures.first() else {
            return match self.data.first() {
                Some(span) => (format!("unknown data at offset {}", span.first), Some(span.first)),
                None if self.size == 0 => ("no bytes at all".to_owned(), None),
                None => ("nothing".to_owned(), None),
            };
        };
        let names: Vec<_> =
            self.signatures.iter().take(4).map(|s| format!("{} at offset {}", s.name, s.offset)).collect();
        let more = self.signatures.len().saturating_sub(names.len());
        let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
        (format!("{}{tail}", names.join(", ")), Some(first.offset))
    }
}

/// Looks at a disk or an image of one: some 9 MiB are read, however large it is.
///
/// `salt` is what tells this disk from the others of its set, for example its serial number: the places that the blank
/// proof reads between the known ones follow from it, so that they are other ones on each disk, and the same each time.
///
/// The bytes must come from the device, not from an old page cache: open the block device anew and drop its
/// clean pages (`posix_fadvise(POSIX_FADV_DONTNEED)`) first, or hand in the md device itself where an array runs.
///
/// # Errors
/// Any error of the device; half a probe is never returned.
pub fn probe<D: Device>(device: D, salt: &str) -> io::Result<Probe> {
    probe_in(device, salt, Memory::default().bytes())
}

/// The same by the caller's memory. The more there is, the more is asked for at once; aligned to 4 KiB a device that
/// is read directly needs no copy.
///
/// # Errors
/// Those of [`probe`], and memory of less than 4 KiB.
pub fn probe_in<D: Device>(device: D, salt: &str, memory: &mut [u8]) -> io::Result<Probe> {
    let mut reader = Reader::new(device)?;
    // The proof first: most marks lie in what it reads, and where that is zero nothing has to be read twice.
    let data = scan(&mut reader, salt, memory)?;
    let signatures = find(&mut reader)?;
    Ok(Probe { size: reader.size(), signatures, data })
}

/// The marks alone, without the proof that everything else is zero: for a device that is mounted, on which no plan
/// ever writes. The whole device counts as data, so that it never passes for blank.
///
/// # Errors
/// As [`probe_in`].
pub fn marks_in<D: Device>(device: D, memory: &mut [u8]) -> io::Result<Probe> {
    let mut reader = Reader::new(device)?;
    let size = reader.size();
    // All at once, and not one by one as the search comes to them.
    for_each(&mut reader, places::places(size)?, memory, |reader, part, bytes| {
        sift(reader, part.start, bytes, Reader::keep);
    })?;
    let signatures = find(&mut reader)?;
    let last = size.saturating_sub(1);
    Ok(Probe { size, signatures, data: vec![Span { first: 0, last }] })
}

fn find<D: Read + Seek>(reader: &mut Reader<D>) -> io::Result<Vec<Signature>> {
    let mut signatures = Vec::new();
    for magic in magics::MAGICS {
        let Some(offset) = magic.at.offset(reader.size()) else {
            continue;
        };
        let Some(bytes) = reader.vec(offset, magic.bytes.len())? else {
            continue;
        };
        if bytes == magic.bytes {
            signatures.push(plain(magic.name, offset));
        }
    }
    dos::find(reader, &mut signatures)?;
    ext::find(reader, &mut signatures)?;
    zfs::find(reader, &mut signatures)?;
    md::find(reader, &mut signatures)?;
    if let Some(super_block) = xfs::read(reader, 0)? {
        signatures.push(Signature { name: "xfs", offset: 0, content: Content::Xfs(super_block) });
    }
    signatures.sort_by_key(|s| (s.offset, s.name));
    signatures.dedup_by(|a, b| a.name == b.name && a.offset == b.offset);
    Ok(signatures)
}

fn plain(name: &'static str, offset: u64) -> Signature {
    Signature { name, offset, content: Content::Plain }
}

fn uuid_at(bytes: &[u8], at: usize) -> Uuid {
    Uuid::from_bytes(super::reader::field(bytes, at))
}
