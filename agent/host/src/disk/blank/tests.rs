use proptest::prelude::*;

use super::*;

/// Of disks that EC2 has, and of small and odd ones.
fn sizes() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(3_800_000_000_000),
        Just(7_500_000_000_000),
        Just(118_000_000_000),
        Just(320 << 20),
        1u64..64 << 20,
        1u64..1 << 44,
    ]
}

fn salts() -> impl Strategy<Value = String> {
    "AWS[0-9A-F]{16}"
}

/// Whether a read byte lies in the range.
fn meets(ranges: &[Range<u64>], wanted: &Range<u64>) -> bool {
    let next = ranges.partition_point(|range| range.end <= wanted.start);
    ranges.get(next).is_some_and(|range| range.start < wanted.end)
}

#[test]
fn what_is_read_is_what_the_documentation_says() {
    for size in [600 << 20, 3_800_000_000_000, 40 << 30] {
        let ranges = coverage(size, "AWS1");
        assert!(ranges[0].start == 0 && ranges[0].end >= EDGE);
        assert!(ranges.last().is_some_and(|last| last.start <= size - EDGE && last.end == size));
        assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
        let total: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        assert!((8 << 20..10 << 20).contains(&total), "{total} bytes of {size}");
        for i in 0..1024 {
            let part = size / 1024 * i..size / 1024 * (i + 1) + PIECE as u64;
            assert!(meets(&ranges, &part), "part {i} of {size}");
        }
    }
}

#[test]
fn memory_is_aligned() {
    let mut memory = Memory::default();
    let bytes = memory.bytes();
    assert!(bytes.len() == BATCH && bytes.as_ptr().align_offset(PIECE) == 0);
}

#[test]
fn spare_superblocks_are_read() {
    // ext4 with blocks of 4 KiB: dumpe2fs of a 3.8 TB file system. XFS: `mkfs.xfs -N` of the same, and of 5 TiB.
    let ext4 = [32_768, 98_304, 163_840, 229_376, 294_912, 819_200, 884_736, 4_096_000, 644_972_544];
    let xfs = [231_933_594, 463_867_188, 695_800_782];
    let ranges = coverage(3_800_000_000_000, "AWS1");
    for block in ext4.into_iter().chain(xfs) {
        assert!(meets(&ranges, &(block * 4096..block * 4096 + 512)), "block {block}");
    }
    let ranges = coverage(5 << 40, "AWS1");
    for group in 1..5 {
        let at = group * 268_435_455 * 4096;
        assert!(meets(&ranges, &(at..at + 512)), "allocation group {group}");
    }
}

#[test]
fn each_disk_has_places_of_its_own_and_keeps_them() {
    let [one, same, other] = ["AWS1", "AWS1", "AWS2"].map(|salt| coverage(3_800_000_000_000, salt));
    assert_eq!(one, same);
    let shared = one.iter().filter(|range| other.binary_search_by_key(&range.start, |r| r.start).is_ok());
    // Only the ends and the spare superblocks.
    assert!(shared.count() < 60);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn batches_are_the_same_places_in_the_same_order(size in sizes(), salt in salts(), room in 1usize..400) {
        let room = room * PIECE;
        let batches = batches(coverage(size, &salt), room);
        for batch in &batches {
            prop_assert!(!batch.is_empty() && batch.len() <= room / PIECE);
            prop_assert!(batch.iter().map(|part| length(part, room)).sum::<usize>() <= room);
        }
        let mut joined: Vec<Range<u64>> = Vec::new();
        for part in batches.concat() {
            prop_assert!(part.start % PIECE as u64 == 0 && part.start < part.end);
            match joined.last_mut() {
                Some(last) if last.end == part.start => last.end = part.end,
                _ => joined.push(part),
            }
        }
        prop_assert_eq!(joined, coverage(size, &salt));
    }

    #[test]
    fn a_long_run_of_data_is_never_missed(
        size in sizes(),
        salt in salts(),
        at in any::<prop::sample::Index>(),
        near in any::<bool>(),
        from_end in any::<bool>(),
    ) {
        let ranges = coverage(size, &salt);
        // Anywhere, or at a distance from an end whose logarithm is anywhere.
        let distance = if near {
            1u64 << at.index(63).min(size.ilog2() as usize)
        } else {
            at.index(usize::try_from(size).unwrap()) as u64
        };
        let len = (size / 512).min(distance / 4) + 2 * PIECE as u64;
        let distance = distance.min(size - 1);
        let run = if from_end {
            (size - distance).saturating_sub(len)..size - distance
        } else {
            distance..distance.saturating_add(len).min(size)
        };
        // What would go beyond the disk is a run at its end, which is read whole.
        prop_assert!(run.is_empty() || meets(&ranges, &run), "{run:?} of {size}");
    }

    /// 2 % of the disk at any regular distance: 1,024 pieces miss it once in 10^9 times.
    #[test]
    fn no_regular_layout_is_dodged(salt in salts(), period in 50u64..1 << 22, phase in any::<u64>()) {
        let (size, width) = (3_800_000_000_000, period.div_ceil(50));
        let is_data = |block: u64| (block.wrapping_add(phase % period)) % period < width;
        let hit = coverage(size, &salt).iter().any(|range| {
            (range.start / 4096..range.end.div_ceil(4096)).any(is_data)
        });
        prop_assert!(hit);
    }
}
