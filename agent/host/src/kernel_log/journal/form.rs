//! Bytes of a journal file, and numbers in them. All numbers are little-endian, and every object begins at a multiple
//! of eight ("Journal File Format", "Basics").

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// What every object begins with: its type, its flags, its size.
pub(super) const OBJECT_HEADER: u64 = 16;
pub(super) const DATA: u8 = 1;
pub(super) const FIELD: u8 = 2;
pub(super) const ENTRY: u8 = 3;
pub(super) const ENTRY_ARRAY: u8 = 6;

/// No file is as long, and sums of such numbers fit.
const END: u64 = 1 << 60;

/// Where the bytes are.
#[derive(Clone, Debug)]
pub(super) enum Bytes {
    File(Arc<File>),
    /// For fuzzers and tests.
    Memory(Arc<[u8]>),
}

impl Bytes {
    /// Fills `buffer` from `at` on, as far as there are bytes; says how many there were.
    pub(super) fn read(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let from = at.saturating_add(filled as u64);
            let length = match self {
                Self::File(file) => match file.read_at(&mut buffer[filled..], from) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    read => read?,
                },
                Self::Memory(bytes) => {
                    let rest = usize::try_from(from).ok().and_then(|from| bytes.get(from..)).unwrap_or(&[]);
                    let length = rest.len().min(buffer.len() - filled);
                    buffer[filled..filled + length].copy_from_slice(&rest[..length]);
                    length
                }
            };
            if length == 0 {
                break;
            }
            filled += length;
        }
        Ok(filled)
    }

    /// As many bytes as that from `at` on, all of them.
    pub(super) fn array<const N: usize>(&self, at: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.exact(at, &mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn exact(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        if self.read(at, buffer)? == buffer.len() {
            Ok(())
        } else {
            Err(io::Error::new(ErrorKind::UnexpectedEof, format!("it ends before byte {at}")))
        }
    }

    pub(super) fn number(&self, at: u64) -> io::Result<u64> {
        Ok(u64::from_le_bytes(self.array(at)?))
    }

    /// Where something is: half as many bytes in a compact file.
    pub(super) fn offset(&self, at: u64, compact: bool) -> io::Result<u64> {
        if compact { Ok(u64::from(u32::from_le_bytes(self.array(at)?))) } else { self.number(at) }
    }

    /// The flags and the size of the object at `at`, which must be of this `kind`.
    pub(super) fn object(&self, at: u64, kind: u8) -> io::Result<Object> {
        let head: [u8; 16] = self.array(aligned(at)?)?;
        let size = number(&head, 8);
        if head[0] != kind || !(OBJECT_HEADER..END).contains(&size) {
            return Err(broken(format!("there is no object of type {kind} at byte {at}")));
        }
        Ok(Object { flags: head[1], size })
    }
}

/// What an object says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object {
    pub(super) flags: u8,
    /// In bytes, with what stands before the rest.
    pub(super) size: u64,
}

/// The number at `at` of `bytes`, which must be there.
pub(super) fn number(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

/// An id of 128 bits, as text has it: the first byte first.
pub(super) fn id(bytes: &[u8], at: usize) -> u128 {
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[at..at + 16]);
    u128::from_be_bytes(id)
}

fn aligned(at: u64) -> io::Result<u64> {
    if at > 0 && at.is_multiple_of(8) {
        Ok(at)
    } else {
        Err(broken(format!("no object can be at byte {at}")))
    }
}

pub(super) fn broken(why: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}
