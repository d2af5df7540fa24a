//! The two superblocks that gpunode's own volumes carry, written as far as [`super::signature`] reads them: for disks
//! that are played, in tests and in the demo. Real ones are written by mdadm and mkfs.xfs.

use super::signature::{MdSuper, XfsSuper, crc32c, md_checksum};

/// Bytes of an md superblock before the members' roles, two bytes each.
const MD_FIXED: u64 = 256;
/// Where its checksum is.
const MD_SUM: usize = 216;
/// The chunk size that mdadm takes by default, in sectors of 512 bytes: 512 KiB.
const MD_CHUNK: u32 = 1024;
/// Where the XFS checksum is.
const XFS_CRC: usize = 224;

/// An md superblock of version 1.x that says what `md` says; it belongs at the start of `md.header`, whose length
/// gives the number of roles. A checksum that does not fit is written where `md` is not intact.
pub fn md_block(md: &MdSuper) -> Vec<u8> {
    let used = md.header.end.saturating_sub(md.header.start).clamp(MD_FIXED, 4096);
    let roles = u16::try_from((used - MD_FIXED) / 2).unwrap_or(u16::MAX);
    let sectors = md.payload.end.saturating_sub(md.payload.start) / 512;
    let mut block = vec![0; usize::from(roles) * 2 + 256];
    put(&mut block, 0, &0xa92b_4efc_u32.to_le_bytes());
    put(&mut block, 4, &1_u32.to_le_bytes());
    put(&mut block, 16, md.array.as_bytes());
    put(&mut block, 32, cut(&md.name, 32));
    put(&mut block, 72, &md.level.to_le_bytes());
    put(&mut block, 80, &sectors.to_le_bytes());
    put(&mut block, 88, &MD_CHUNK.to_le_bytes());
    put(&mut block, 92, &md.raid_disks.to_le_bytes());
    put(&mut block, 128, &(md.payload.start / 512).to_le_bytes());
    put(&mut block, 136, &sectors.to_le_bytes());
    put(&mut block, 144, &(md.header.start / 512).to_le_bytes());
    put(&mut block, 160, &md.role.map_or(0, u32::from).to_le_bytes());
    put(&mut block, 220, &u32::from(roles).to_le_bytes());
    for slot in 0..roles {
        let role = if u32::from(slot) < md.raid_disks { slot } else { 0xffff };
        put(&mut block, 256 + 2 * usize::from(slot), &role.to_le_bytes());
    }
    let sum = md_checksum(&block) ^ u32::from(!md.intact);
    put(&mut block, MD_SUM, &sum.to_le_bytes());
    block
}

/// The first sector of an XFS of version 5, of blocks of 4 KiB, that says what `xfs` says.
pub fn xfs_sector(xfs: &XfsSuper) -> [u8; 512] {
    const BLOCK: u32 = 4096;
    let mut sector = [0; 512];
    put(&mut sector, 0, b"XFSB");
    put(&mut sector, 4, &BLOCK.to_be_bytes());
    put(&mut sector, 8, &(xfs.size / u64::from(BLOCK)).to_be_bytes());
    put(&mut sector, 32, xfs.uuid.as_bytes());
    // Version 5 and the flags that mkfs.xfs sets beside it.
    put(&mut sector, 100, &0xb4a5_u16.to_be_bytes());
    put(&mut sector, 102, &512_u16.to_be_bytes());
    put(&mut sector, 108, cut(&xfs.label, 12));
    put(&mut sector, 126, &[u8::from(xfs.in_progress)]);
    let sum = crc32c(&sector) ^ u32::from(!xfs.intact);
    put(&mut sector, XFS_CRC, &sum.to_le_bytes());
    sector
}

/// Writes what fits.
fn put(block: &mut [u8], at: usize, bytes: &[u8]) {
    for (to, &from) in block.iter_mut().skip(at).zip(bytes) {
        *to = from;
    }
}

fn cut(text: &str, len: usize) -> &[u8] {
    &text.as_bytes()[..text.len().min(len)]
}
