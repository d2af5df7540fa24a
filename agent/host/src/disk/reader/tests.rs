use super::*;

#[test]
fn what_is_known_to_be_zero_is_not_read_and_nothing_else_is_taken_for_it() {
    let mut reader = Reader::new(Cursor::new(vec![7; 100])).unwrap();
    for range in [10..20, 20..30, 40..50] {
        reader.note_zeros(range);
    }
    for (offset, len) in [(0, 5), (5, 10), (9, 2), (25, 6), (29, 12), (45, 6), (50, 1), (99, 1)] {
        assert!(reader.vec(offset, len).unwrap().unwrap().iter().all(|b| *b == 7), "{len} at {offset}");
    }
    for (offset, len) in [(10, 20), (15, 10), (10, 1), (49, 1), (40, 10)] {
        assert!(reader.vec(offset, len).unwrap().unwrap().iter().all(|b| *b == 0), "{len} at {offset}");
    }
    assert_eq!(reader.vec(95, 6).unwrap(), None);
}
#[test]
fn what_is_kept_is_not_read_and_nothing_else_is_taken_for_it() {
    let mut reader = Reader::new(Cursor::new(vec![7; 5 * 4096 + 100])).unwrap();
    reader.note_zeros(0..4096);
    reader.keep(4096, &[1; 4096]);
    reader.note_zeros(2 * 4096..3 * 4096);
    reader.keep(5 * 4096, &[2; 100]);
    let expected = |at: u64| match at / 4096 {
        0 | 2 => 0,
        1 => 1,
        5 => 2,
        _ => 7,
    };
    for (offset, len) in [(0, 3 * 4096), (4000, 200), (8190, 4), (12_280, 20), (5 * 4096, 100), (20_470, 20)]
    {
        let bytes = reader.vec(offset, len).unwrap().unwrap();
        for (at, byte) in (offset..).zip(bytes) {
            // Read anew where some of it is not known: the device then counts, and it says 7.
            let known = offset + len as u64 <= 3 * 4096 || offset >= 5 * 4096;
            assert_eq!(byte, if known { expected(at) } else { 7 }, "{at} of {len} at {offset}");
        }
    }
    assert_eq!(reader.vec(5 * 4096, 101).unwrap(), None);
}
