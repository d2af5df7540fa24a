//! The XFS superblock, checked as strictly as our own volume needs.

use std::io::{self, Read, Seek};

use uuid::Uuid;

use super::uuid_at;
use crate::disk::LABEL;
use crate::disk::reader::{Reader, le32, text};

/// What an XFS superblock says. Fields and offsets: kernel `fs/xfs/libxfs/xfs_format.h`, `struct xfs_dsb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XfsSuper {
    /// `sb_uuid`
    pub uuid: Uuid,
    /// `sb_fname`, at most twelve bytes.
    pub label: String,
    /// Bytes of the file system: `sb_dblocks` × `sb_blocksize`.
    pub size: u64,
    /// `sb_inprogress`: mkfs.xfs sets it with its first write and clears it with its last.
    pub in_progress: bool,
    /// Whether the checksum fits (version 5 only; older ones have none and count as damaged for our purposes).
    pub intact: bool,
}

impl XfsSuper {
    /// Whether it is a whole file system of ours that fits on a device of `device` bytes.
    pub fn is_ours(&self, device: u64) -> bool {
        self.label == LABEL && self.intact && !self.in_progress && self.size > 0 && self.size <= device
    }
}

/// The superblock at `offset`, or `None` where there is none.
pub(super) fn read<D: Read + Seek>(reader: &mut Reader<D>, offset: u64) -> io::Result<Option<XfsSuper>> {
    let Some(sector) = reader.bytes::<512>(offset)? else {
        return Ok(None);
    };
    if &sector[..4] != b"XFSB" {
        return Ok(None);
    }
    let be32 = |at| le32(&sector, at).swap_bytes();
    let blocks = u64::from(be32(8)) << 32 | u64::from(be32(12));
    let sector_size = usize::from(u16::from_be_bytes([sector[102], sector[103]]));
    Ok(Some(XfsSuper {
        uuid: uuid_at(&sector, 32),
        label: text(&sector[108..120]),
        size: blocks.saturating_mul(u64::from(be32(4))),
        in_progress: sector[126] != 0,
        intact: is_intact(reader, offset, sector_size)?,
    }))
}

/// Where `sb_crc` is; it covers its whole sector with itself taken as zero.
const CRC: usize = 224;

fn is_intact<D: Read + Seek>(reader: &mut Reader<D>, offset: u64, sector_size: usize) -> io::Result<bool> {
    // XFS_MIN_SECTORSIZE and XFS_MAX_SECTORSIZE.
    if !sector_size.is_power_of_two() || !(512..=32768).contains(&sector_size) {
        return Ok(false);
    }
    let Some(mut sector) = reader.vec(offset, sector_size)? else {
        return Ok(false);
    };
    let version = u16::from_be_bytes([sector[100], sector[101]]) & 0xf;
    let stored = le32(&sector, CRC);
    sector[CRC..CRC + 4].fill(0);
    Ok(version == 5 && crc32c(&sector) == stored)
}

/// CRC-32C (Castagnoli), bit by bit: one sector is all that is ever summed.
pub(in crate::disk) fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 & 0u32.wrapping_sub(crc & 1)))
    })
}
