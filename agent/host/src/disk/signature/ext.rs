//! ext2, ext3, ext4 and their external journal, with the first spare superblock.

use std::io::{self, Read, Seek};

use super::{Signature, plain};
use crate::disk::reader::{Reader, le16, le32};

/// `EXT2_SUPER_MAGIC`, at 0x38 of the superblock.
const MAGIC: u16 = 0xef53;
/// The superblock is at 1 KiB; its copy in block group 1 with blocks of 1, 2 and 4 KiB (kernel `ext4.h`:
/// 8 × block size blocks in a group, and the first data block is 1 only with blocks of 1 KiB).
const PLACES: [u64; 4] = [1 << 10, (8 << 20) + 1024, 32 << 20, 128 << 20];

const HAS_JOURNAL: u32 = 0x4;
const JOURNAL_DEV: u32 = 0x8;
/// Features that ext3 knows; any other makes it ext4 (kernel `ext4_feature_set_ok`, ext3's sets).
const EXT3_INCOMPAT: u32 = 0x2 | 0x4 | 0x10;
const EXT3_RO_COMPAT: u32 = 0x1 | 0x2 | 0x4;

pub(super) fn find<D: Read + Seek>(reader: &mut Reader<D>, found: &mut Vec<Signature>) -> io::Result<()> {
    for place in PLACES {
        if let Some(block) = reader.bytes::<1024>(place)?
            && le16(&block, 0x38) == MAGIC
        {
            found.push(plain(name(&block), place + 0x38));
        }
    }
    Ok(())
}

fn name(block: &[u8]) -> &'static str {
    let (compat, incompat, ro_compat) = (le32(block, 0x5c), le32(block, 0x60), le32(block, 0x64));
    if incompat & JOURNAL_DEV != 0 {
        "jbd"
    } else if incompat & !EXT3_INCOMPAT != 0 || ro_compat & !EXT3_RO_COMPAT != 0 {
        "ext4"
    } else if compat & HAS_JOURNAL != 0 {
        "ext3"
    } else {
        "ext2"
    }
}
