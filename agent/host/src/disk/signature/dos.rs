//! The boot sector: a DOS partition table, a protective one, or a FAT volume.

use std::io::{self, Read, Seek};

use super::{Signature, plain};
use crate::disk::reader::{Reader, le16};

/// Partition type of the one entry that hides a GPT from old tools.
const GPT_PROTECTIVE: u8 = 0xee;

pub(super) fn find<D: Read + Seek>(reader: &mut Reader<D>, found: &mut Vec<Signature>) -> io::Result<()> {
    let Some(sector) = reader.bytes::<512>(0)? else {
        return Ok(());
    };
    // Atari and early MS-DOS volumes have no 55 AA, but blkid knows none of them by the jump alone either.
    if sector[510..] != [0x55, 0xaa] {
        return Ok(());
    }
    let is_fat = is_fat(&sector);
    if is_fat {
        found.push(plain("vfat", 0));
    }
    if let Some(name) = table(&sector) {
        found.push(plain(name, 510));
    } else if !is_fat {
        found.push(plain("boot sector", 510));
    }
    Ok(())
}

/// Whether the sector can be a partition table: the boot flag of each entry is one that exists. The loader of a FAT
/// or exFAT volume may pass for one too; then both names are given.
fn table(sector: &[u8; 512]) -> Option<&'static str> {
    let mut entries = sector[446..510].chunks(16);
    if entries.clone().any(|entry| entry[4] == GPT_PROTECTIVE) {
        return Some("PMBR");
    }
    entries.all(|entry| matches!(entry[0], 0 | 0x80)).then_some("dos")
}

/// Whether the sector begins a FAT volume: jump, and a BIOS parameter block that makes sense.
fn is_fat(sector: &[u8; 512]) -> bool {
    let jump = matches!(sector[0], 0xe9 | 0xeb);
    let sector_size = le16(sector, 11);
    let (per_cluster, reserved, copies, media) = (sector[13], le16(sector, 14), sector[16], sector[21]);
    jump && sector_size.is_power_of_two()
        && (512..=4096).contains(&sector_size)
        && per_cluster.is_power_of_two()
        && reserved > 0
        && copies > 0
        && (media == 0xf0 || media >= 0xf8)
}
