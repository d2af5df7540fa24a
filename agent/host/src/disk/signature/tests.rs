use std::io::Cursor;
use std::ops::Range;

use proptest::prelude::*;
use uuid::Uuid;

use super::magics::MAGICS;
use super::*;
use crate::disk::blank::{EDGE, coverage};
use crate::disk::forge::{DATA, Sparse, our_md, our_xfs};
use crate::disk::reader::read_in_turn;
use crate::disk::superblock::{md_block, xfs_sector};

const SIZE: u64 = 600 << 20;
const SERIAL: &str = "AWS22C40A7D1";

fn look<D: Device>(device: D) -> io::Result<Probe> {
    probe(device, SERIAL)
}

fn names(probe: &Probe) -> Vec<&'static str> {
    probe.signatures.iter().map(|s| s.name).collect()
}

#[test]
fn a_blank_disk_is_blank_and_an_empty_one_is_not() {
    for size in [512, 4096, 1 << 20, EDGE, 2 * EDGE + 512, SIZE] {
        let seen = look(Sparse::new(size)).unwrap();
        assert!(seen.is_blank(), "{size}: {seen:?}");
    }
    assert!(!look(Cursor::new(Vec::new())).unwrap().is_blank());
}

#[test]
fn every_row_of_the_table_is_seen_where_it_stands() {
    let size = 300 << 30;
    for magic in MAGICS {
        let offset = magic.at.offset(size).unwrap();
        let mut disk = Sparse::new(size);
        disk.write(offset, magic.bytes);
        let seen = look(disk).unwrap();
        assert!(names(&seen).contains(&magic.name), "{} at {offset}", magic.name);
        assert!(!seen.data.is_empty(), "{} at {offset} lies outside the blank proof", magic.name);
    }
}

/// What is read of a device, part by part.
struct Counted(Sparse, usize);

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        self.0.read(buffer)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// Its parts come at once, which is no read of the kind that is counted.
impl Device for &mut Counted {
    fn read_parts(&mut self, parts: &[Range<u64>], buffer: &mut [u8]) -> io::Result<()> {
        read_in_turn(&mut self.0, parts, buffer)
    }
}

#[test]
fn marks_are_the_same_and_are_read_at_once() {
    for size in [1, 4096, 100_001, SIZE, 300 << 30] {
        let mut disk = Sparse::new(size);
        for magic in MAGICS.iter().step_by(7) {
            magic.at.offset(size).into_iter().for_each(|offset| disk.write(offset, magic.bytes));
        }
        let mut counted = Counted(disk.clone(), 0);
        let seen = marks_in(&mut counted, Memory::default().bytes()).unwrap();
        assert_eq!(seen.signatures, look(disk).unwrap().signatures, "{size}");
        assert!(!seen.is_blank());
        assert_eq!(counted.1, 0, "{size}");
    }
}

#[test]
fn no_row_is_too_far_for_a_small_disk() {
    for size in [0, 1, 511, 512, 513, 4095, 8192, 65536, 100_001] {
        let seen = look(Sparse::new(size)).unwrap();
        assert!(seen.signatures.is_empty(), "{size}");
    }
}

#[test]
fn our_superblocks_are_read_back() {
    let (array, filesystem) = (Uuid::from_u128(7), Uuid::from_u128(9));
    let xfs = our_xfs(filesystem, SIZE / 2);
    let mut disk = Sparse::new(SIZE);
    let md = our_md(array, 0, 2, SIZE);
    disk.write(4096, &md_block(&md));
    disk.write(DATA, &xfs_sector(&xfs));
    let seen = look(disk).unwrap();
    let expected = MdSuper { first: Some(xfs.clone()), ..md };
    assert_eq!(seen.signatures.len(), 1);
    assert_eq!(seen.signatures[0].content, Content::Md(expected));

    let mut disk = Sparse::new(SIZE);
    disk.write(0, &xfs_sector(&XfsSuper { in_progress: true, ..xfs.clone() }));
    let seen = look(disk).unwrap();
    assert_eq!(seen.signatures[0].content, Content::Xfs(XfsSuper { in_progress: true, ..xfs }));
}

#[test]
fn crc32c_is_the_standard_one() {
    // RFC 3720, appendix B.4, and the check value of the algorithm.
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
}

/// A reader that fails from some offset on, as a sick disk does: also a read that begins before it.
struct Sick(Sparse, u64);

impl Read for Sick {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let at = self.0.stream_position()?;
        if at + buffer.len() as u64 > self.1 {
            Err(io::Error::from_raw_os_error(5))
        } else {
            self.0.read(buffer)
        }
    }
}

impl Seek for Sick {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl Device for Sick {}

#[test]
fn half_a_probe_is_an_error() {
    for from in [0, EDGE / 2, SIZE / 2, SIZE - EDGE, SIZE - 512] {
        assert!(look(Sick(Sparse::new(SIZE), from)).is_err(), "{from}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn one_byte_in_a_covered_place_is_seen(
        place in any::<prop::sample::Index>(),
        within in any::<prop::sample::Index>(),
        byte in 1u8..,
        size in prop_oneof![Just(SIZE), Just(3_800_000_000_000), 1u64..100 << 20],
    ) {
        let ranges = coverage(size, SERIAL);
        let range = place.get(&ranges);
        let len = usize::try_from(range.end - range.start).unwrap();
        let offset = range.start + within.index(len) as u64;
        let mut disk = Sparse::new(size);
        disk.write(offset, &[byte]);
        let seen = look(disk).unwrap();
        prop_assert!(!seen.is_blank());
        prop_assert_eq!(&seen.data, &vec![Span { first: offset, last: offset }]);
    }

    #[test]
    fn a_damaged_superblock_is_never_intact(at in 0usize..512, flip in 1u8.., is_md in any::<bool>()) {
        let mut disk = Sparse::new(64 << 20);
        let (offset, mut block) = if is_md {
            (4096, md_block(&our_md(Uuid::from_u128(7), 0, 2, 64 << 20)))
        } else {
            (0, xfs_sector(&our_xfs(Uuid::from_u128(9), 64 << 20)).to_vec())
        };
        block[at] ^= flip;
        disk.write(offset, &block);
        let seen = look(disk).unwrap();
        prop_assert!(!seen.is_blank());
        for signature in &seen.signatures {
            match &signature.content {
                Content::Xfs(xfs) => prop_assert!(!xfs.intact),
                Content::Md(md) => prop_assert!(!md.intact),
                Content::Plain => {}
            }
        }
    }

    #[test]
    fn no_disk_is_too_strange(
        writes in prop::collection::vec((0u64..70 << 10, prop::collection::vec(any::<u8>(), 1..64)), 0..40),
        size in 1u64..70 << 10,
        magics in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut disk = Sparse::new(size);
        for magic in magics.iter().map(|index| index.get(MAGICS)) {
            if let Some(offset) = magic.at.offset(size) {
                disk.write(offset, magic.bytes);
            }
        }
        for (offset, bytes) in &writes {
            disk.write(*offset, bytes);
        }
        let seen = look(disk).unwrap();
        prop_assert!(seen.signatures.windows(2).all(|pair| pair[0].offset <= pair[1].offset));
    }
}
