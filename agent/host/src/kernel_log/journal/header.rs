//! How a journal file begins.

use super::form::{id, number};

/// As much of it as is looked at; every version of systemd writes this much.
pub(super) const LENGTH: usize = 208;
const SIGNATURE: &[u8; 8] = b"LPKSHHRH";
/// Data may be compressed by zstd: systemd's default since 246.
const COMPRESSED_ZSTD: u32 = 1 << 3;
/// Data may be compressed by XZ or LZ4: those of older ones.
const COMPRESSED_OTHERWISE: u32 = 1 | 1 << 1;
/// Hashes have a key of the file's own. No hash is computed here.
const KEYED_HASH: u32 = 1 << 2;
/// Offsets of 32 bits.
const COMPACT: u32 = 1 << 4;

/// What is known of a file before it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) file_id: u128,
    /// Entries are counted under this name, in several files.
    pub(super) series: u128,
    /// The boot of the last entry. Older versions of systemd: the boot in which it was opened to be written.
    pub(super) boot_id: u128,
    pub(super) compact: bool,
    /// Of the buckets of names of fields, and how many bytes they take.
    pub(super) field_table: (u64, u64),
    /// Of the last entry, in microseconds of its boot.
    pub(super) tail_monotonic: u64,
}

/// Why a file is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// It does not begin as one.
    #[error("it is no journal file")]
    Signature,
    /// It must not be read by who does not know these.
    #[error("its form has features that are not known here (flags {0:#x})")]
    Features(u32),
}

impl Header {
    pub(super) fn parse(bytes: &[u8; LENGTH]) -> Result<Self, Unknown> {
        if !bytes.starts_with(SIGNATURE) {
            return Err(Unknown::Signature);
        }
        let flags = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
        let unknown = flags & !(COMPRESSED_ZSTD | COMPRESSED_OTHERWISE | KEYED_HASH | COMPACT);
        if unknown != 0 {
            return Err(Unknown::Features(unknown));
        }
        Ok(Self {
            file_id: id(bytes, 24),
            boot_id: id(bytes, 56),
            series: id(bytes, 72),
            compact: flags & COMPACT != 0,
            field_table: (number(bytes, 120), number(bytes, 128)),
            tail_monotonic: number(bytes, 200),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_not_be_read_by_who_does_not_know_it_is_refused() {
        let mut bytes = [0; LENGTH];
        assert_eq!(Header::parse(&bytes).unwrap_err(), Unknown::Signature);
        bytes[..8].copy_from_slice(SIGNATURE);
        bytes[12] = 0b1_1111;
        assert!(Header::parse(&bytes).unwrap().compact);
        bytes[12] = 0b10_0000;
        let why = Header::parse(&bytes).unwrap_err();
        assert_eq!(why.to_string(), "its form has features that are not known here (flags 0x20)");
    }
}
