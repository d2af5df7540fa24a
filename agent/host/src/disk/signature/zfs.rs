//! ZFS: four labels of 256 KiB, two at each end, each with 128 KiB of uberblocks.

use std::io::{self, Read, Seek};

use super::{Signature, plain};
use crate::disk::reader::{Reader, le64};

const LABEL: u64 = 256 << 10;
/// The second half of a label is the ring of uberblocks.
const RING: u64 = 128 << 10;
/// The smallest uberblock; larger ones begin at a multiple of it.
const STEP: usize = 1024;
/// `UBERBLOCK_MAGIC`, "oo-ba-bloc".
const MAGIC: u64 = 0x00ba_b10c;

pub(super) fn find<D: Read + Seek>(reader: &mut Reader<D>, found: &mut Vec<Signature>) -> io::Result<()> {
    let end = reader.size() / LABEL * LABEL;
    let labels = [Some(0), Some(LABEL), end.checked_sub(2 * LABEL), end.checked_sub(LABEL)];
    for label in labels.into_iter().flatten() {
        let ring = label + RING;
        let Some(bytes) = reader.vec(ring, 128 << 10)? else {
            continue;
        };
        let hit = bytes.chunks(STEP).position(|block| {
            let magic = le64(block, 0);
            magic == MAGIC || magic == MAGIC.swap_bytes()
        });
        if let Some(index) = hit {
            found.push(plain("zfs_member", ring + (index * STEP) as u64));
        }
    }
    Ok(())
}
