//! Which parts of a disk the blank proof reads, and what that proves.
//!
//! - **The ends**: the first and last 2 MiB, whole. Every partition table, RAID superblock and file system header in
//!   use lies within (the farthest known are LUKS2's spare headers, 2 and 4 MiB from the start, which have pieces of their
//!   own, and Promise's superblock, 1.5 MiB from the end).
//! - **Spare superblocks**: a piece wherever a known format keeps a copy of its header, see [`spare_places`].
//! - **Strata**: the disk in 1,024 equal parts, one piece of 4 KiB in each, at a place that a generator chooses.
//! - **Near the ends**: a part of a large disk is some gigabytes, and what is written first is written near the start.
//!   So there are 8 more pieces for every doubling of the distance from an end, as long as parts are larger than that.
//!
//! # How sure it is
//! Data that fills a fraction `f` of the disk, in whole blocks of 4 KiB that lie anywhere: each part's piece misses it
//! with the probability `1 - f(part)`, so all miss it with at most `(1 - f)^1024`, whatever the layout (the mean of
//! the logarithms is at most the logarithm of the mean). The generator is seeded with the disk's serial number, so no
//! layout, however regular, dodges the pieces, and data striped over N disks has N × 1,024 pieces to dodge.
//!
//! | f | missed, at most | striped over 8 disks |
//! |---|---|---|
//! | 0.1 % | 36 % | 0.03 % |
//! | 0.5 % | 0.6 % | 10^-17 |
//! | 1 % | 0.0034 % | 10^-35 |
//! | 5 % | 10^-22 | 10^-182 |
//!
//! A single run of data is never missed if it is longer than two parts (1/512 of the disk), or longer than a quarter
//! of its distance from the nearer end.
//!
//! Before, this read 16 MiB at each end and 128 pieces of 64 KiB at even distances: three times the bytes. Data in
//! large extents was missed with `(1 - f)^128`, 28 % for f = 1 %; a single run up to 1/129 of the disk could be
//! missed, and a layout with that period always was. What it saw better: short runs between 2 and 16 MiB from an end,
//! and blocks of 4 KiB strewn one by one over all of the disk, both ends included: at f = 1 % it missed those with
//! 10^-45, this does with 10^-9.

use std::iter::successors;
use std::ops::Range;

/// Read whole at each end, in bytes.
pub(crate) const EDGE: u64 = 2 << 20;
/// One place between the ends, in bytes: the largest md superblock, a block of every file system, a page.
pub(crate) const PIECE: usize = 4096;
/// Parts of equal size, with a piece in each.
const STRATA: u64 = 1024;
/// Pieces for each doubling of the distance from an end.
const PER_DOUBLING: u64 = 8;

const BLOCK: u64 = PIECE as u64;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What the proof reads on a device of `size` bytes: sorted, apart from each other, aligned to 4 KiB but for an odd
/// end; the same for the same size and salt.
pub(crate) fn coverage(size: u64, salt: &str) -> Vec<Range<u64>> {
    let mut wanted = vec![0..EDGE, size.saturating_sub(EDGE) / BLOCK * BLOCK..size];
    let blocks = size.div_ceil(BLOCK);
    let mut chance = Chance::new(salt);
    wanted.extend(spare_places(size).into_iter().map(piece));
    wanted.extend((0..STRATA).filter_map(|i| chance.block(share(blocks, i)..share(blocks, i + 1))));
    for near in rows(blocks / STRATA) {
        wanted.extend(chance.block(near.clone()));
        wanted.extend(chance.block(blocks.saturating_sub(near.end)..blocks.saturating_sub(near.start)));
    }
    merged(wanted, size)
}

/// The same parts, cut at the end of a device of `size` bytes; sorted, apart from each other.
pub(crate) fn merged(mut wanted: Vec<Range<u64>>, size: u64) -> Vec<Range<u64>> {
    for range in &mut wanted {
        range.end = range.end.min(size);
    }
    wanted.retain(|range| range.start < range.end);
    wanted.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in wanted {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Where the `i`th of [`STRATA`] equal parts begins, in blocks.
fn share(blocks: u64, i: u64) -> u64 {
    // The product fits: a device has at most 2^63 bytes, which are 2^51 blocks.
    blocks * i / STRATA
}

/// Distances from an end, in blocks: from [`EDGE`] on, each a [`PER_DOUBLING`]th of its doubling, until a quarter of
/// the distance is more than two strata.
fn rows(stratum: u64) -> impl Iterator<Item = Range<u64>> {
    let doublings = successors(Some(EDGE / BLOCK), |at| at.checked_mul(2));
    doublings.take_while(move |at| *at < 9 * stratum).flat_map(|at| {
        let width = at / PER_DOUBLING;
        (0..PER_DOUBLING).map(move |i| at + i * width..at + (i + 1) * width)
    })
}

/// Where formats keep copies of their header beyond the ends, for a device of `size` bytes as a whole.
/// Sources: the kernel's `ext4.h` and `btrfs/disk-io.h`, libblkid, mkfs.xfs, cryptsetup's LUKS2 description,
/// vmfs-tools, Ceph's BlueStore.
fn spare_places(size: u64) -> Vec<u64> {
    // LUKS2; ext with blocks of 1 and 2 KiB (groups 1 and 3); VMFS behind its volume header, with and without a boot
    // area; btrfs; BlueStore.
    let mut places = vec![
        2 * MIB,
        4 * MIB,
        8 * MIB,
        24 * MIB,
        32 * MIB,
        96 * MIB,
        18 * MIB,
        19 * MIB,
        64 * MIB,
        256 * GIB,
    ];
    places.extend([GIB, 10 * GIB, 100 * GIB, 1000 * GIB]);
    // ext with blocks of 4 KiB, whose groups are of 128 MiB: group 1, and the powers of 3, 5 and 7.
    for base in [3, 5, 7] {
        places.extend(successors(Some(128 * MIB), |at| at.checked_mul(base)).take_while(|at| *at < size));
    }
    // XFS without stripes: each allocation group begins with a copy, and mkfs.xfs makes 4 of them, or as many of the
    // largest size as it takes.
    let each = (size / BLOCK).div_ceil(4).clamp(1, (1 << 28) - 1) * BLOCK;
    places.extend(successors(Some(each), |at| at.checked_add(each)).take(64));
    places.retain(|at| *at < size);
    places
}

fn piece(at: u64) -> Range<u64> {
    at..at.saturating_add(BLOCK)
}

/// Numbers that look random and are the same for the same salt: SplitMix64, seeded by FNV-1a.
struct Chance(u64);

impl Chance {
    fn new(salt: &str) -> Self {
        let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(salt.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of these blocks, in bytes; `None` where there is none.
    fn block(&mut self, blocks: Range<u64>) -> Option<Range<u64>> {
        let number = self.next();
        let count = blocks.end.checked_sub(blocks.start).filter(|count| *count > 0)?;
        Some(piece((blocks.start + number % count) * BLOCK))
    }
}
