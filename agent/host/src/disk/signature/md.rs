//! md superblocks: version 0.90 by name only, versions 1.0, 1.1 and 1.2 in full.

use std::io::{self, Read, Seek};
use std::ops::Range;

use uuid::Uuid;

use super::xfs::{self, XfsSuper};
use super::{Content, Signature, plain, uuid_at};
use crate::disk::ARRAY_NAME;
use crate::disk::reader::{Reader, le16, le32, le64, text};

/// `MD_SB_MAGIC`
const MAGIC: u32 = 0xa92b_4efc;
/// The fixed part of a version 1 superblock; the roles follow, two bytes for each device.
const FIXED: usize = 256;
/// `dev_roles` ends with the 4 KiB that mdadm and the kernel give to a superblock.
const MAX_ROLES: usize = (4096 - FIXED) / 2;

/// What a version 1.x superblock says. Fields: kernel `include/uapi/linux/raid/md_p.h`, `struct mdp_superblock_1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MdSuper {
    /// `1.0` (8 KiB from the end), `1.1` (at the start) or `1.2` (4 KiB from the start).
    pub version: &'static str,
    /// `set_uuid`: the array's.
    pub array: Uuid,
    /// `set_name`, as mdadm writes it: `<host>:<name>` or `<name>`.
    pub name: String,
    /// RAID level; 0 for RAID0, negative for linear and multipath.
    pub level: i32,
    /// How many members the array has when whole.
    pub raid_disks: u32,
    /// This member's place; `None` for a spare or a failed one.
    pub role: Option<u16>,
    /// The bytes of the device that belong to the array's contents, cut where the device ends.
    pub payload: Range<u64>,
    /// The bytes of the superblock itself.
    pub header: Range<u64>,
    /// Whether the checksum fits.
    pub intact: bool,
    /// An XFS superblock at the start of the contents: for the member with role 0 of a RAID0 it is the array's own.
    pub first: Option<XfsSuper>,
}

impl MdSuper {
    /// Whether this is a member of an array that gpunode made: RAID0, version 1.2, named [`ARRAY_NAME`],
    /// with a checksum that fits.
    pub fn is_ours(&self) -> bool {
        let name = self.name.rsplit(':').next().unwrap_or_default();
        let apart = self.header.end <= self.payload.start;
        self.version == "1.2" && self.intact && apart && self.level == 0 && name == ARRAY_NAME
    }
}

pub(super) fn find<D: Read + Seek>(reader: &mut Reader<D>, found: &mut Vec<Signature>) -> io::Result<()> {
    // 0.90: in the last 64 KiB that are aligned to 64 KiB; big-endian machines wrote it big-endian.
    if let Some(offset) = (reader.size() & !0xffff).checked_sub(0x1_0000)
        && let Some(bytes) = reader.bytes::<4>(offset)?
        && (le32(&bytes, 0) == MAGIC || le32(&bytes, 0) == MAGIC.swap_bytes())
    {
        found.push(plain("linux_raid_member", offset));
    }
    // 1.0: at least 8 KiB from the end, aligned to 4 KiB.
    let end = (reader.size() & !0xfff).checked_sub(0x2000);
    for (version, place) in [("1.0", end), ("1.1", Some(0)), ("1.2", Some(0x1000))] {
        let Some(offset) = place else { continue };
        if let Some(content) = read(reader, version, offset)? {
            found.push(Signature { name: "linux_raid_member", offset, content });
        }
    }
    Ok(())
}

/// The superblock at `offset`: `Plain` where the mark is there and the rest does not fit, so that it is still named.
fn read<D: Read + Seek>(
    reader: &mut Reader<D>,
    version: &'static str,
    offset: u64,
) -> io::Result<Option<Content>> {
    let Some(block) = reader.bytes::<4096>(offset)? else {
        return Ok(None);
    };
    if le32(&block, 0) != MAGIC {
        return Ok(None);
    }
    let roles = le32(&block, 220) as usize;
    if le32(&block, 4) != 1 || le64(&block, 144) != offset / 512 || roles > MAX_ROLES {
        return Ok(Some(Content::Plain));
    }
    let used = FIXED + 2 * roles;
    let start = le64(&block, 128).saturating_mul(512);
    let end = start.saturating_add(le64(&block, 136).saturating_mul(512));
    let size = reader.size();
    let role = le16(&block, FIXED + 2 * (le32(&block, 160) as usize).min(MAX_ROLES));
    let has_role = (le32(&block, 160) as usize) < roles;
    Ok(Some(Content::Md(MdSuper {
        version,
        array: uuid_at(&block, 16),
        name: text(&block[32..64]),
        level: le32(&block, 72).cast_signed(),
        raid_disks: le32(&block, 92),
        // 0xffff is a spare, 0xfffe failed, 0xfffd a journal.
        role: (has_role && role < 0xff00).then_some(role),
        payload: start.min(size)..end.min(size),
        header: offset..offset + used as u64,
        intact: checksum(&block[..used]) == le32(&block, 216),
        first: xfs::read(reader, start)?,
    })))
}

/// The sum of `md.c`'s `calc_sb_1_csum`: 32-bit words added up with the checksum taken as zero, folded once.
pub(in crate::disk) fn checksum(block: &[u8]) -> u32 {
    let words = block.chunks(4).enumerate().map(|(i, word)| match word {
        _ if i == 216 / 4 => 0,
        [a, b, c, d] => u64::from(u32::from_le_bytes([*a, *b, *c, *d])),
        [a, b, ..] => u64::from(u16::from_le_bytes([*a, *b])),
        _ => 0,
    });
    let sum: u64 = words.sum();
    // As in the kernel: the low half plus the carries, cut to 32 bits.
    let folded = (sum & 0xffff_ffff) + (sum >> 32);
    le32(&folded.to_le_bytes(), 0)
}
