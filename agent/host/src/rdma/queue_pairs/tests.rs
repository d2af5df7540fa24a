use proptest::prelude::*;

use super::*;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap();
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(aligned(bytes.len()), 0);
    bytes
}

fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + payload.len()).unwrap();
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend([kind.to_ne_bytes(), [0; 2]].concat());
    bytes.extend([SEQUENCE.to_ne_bytes(), [0; 4]].concat());
    bytes.extend(payload);
    bytes.resize(aligned(bytes.len()), 0);
    bytes
}

fn of_device(index: u32, name: &str, resources: &[(&str, u64)]) -> Vec<u8> {
    let zero = |name: &str| [name.as_bytes(), &[0]].concat();
    let entry = |(name, count): &(&str, u64)| {
        let name = attribute(RES_SUMMARY_ENTRY_NAME, &zero(name));
        let count = attribute(RES_SUMMARY_ENTRY_CURR, &count.to_ne_bytes());
        attribute(RES_SUMMARY_ENTRY | 0x8000, &[name, count].concat())
    };
    let summary: Vec<u8> = resources.iter().flat_map(entry).collect();
    let index = attribute(DEV_INDEX, &index.to_ne_bytes());
    let summary = attribute(RES_SUMMARY | 0x8000, &summary);
    message(RES_GET, &[index, attribute(DEV_NAME, &zero(name)), summary].concat())
}

/// Queue pairs, each with the name of its owner where that is the kernel's.
fn pairs(owners: &[Option<&str>]) -> Vec<u8> {
    let entry = |owner: Option<&str>| {
        let owner = owner.map(|owner| attribute(RES_KERN_NAME, owner.as_bytes()));
        let number = attribute(21, &7_u32.to_ne_bytes());
        attribute(RES_QP_ENTRY | 0x8000, &[number, owner.unwrap_or_default()].concat())
    };
    let entries: Vec<u8> = owners.iter().copied().flat_map(entry).collect();
    message(RES_QP_GET, &attribute(RES_QP | 0x8000, &entries))
}

#[test]
fn the_summary_of_every_device_is_read() {
    let piece = [
        of_device(3, "rdmap79s0", &[("pd", 4), ("cq", 9), ("qp", 2), ("mr", 7)]),
        of_device(4, "ibp12s0", &[("qp", 1)]),
    ];
    let mut answer = Answer::default();
    assert_eq!(read(&piece.concat(), &mut answer), Some(Progress::More));
    assert_eq!(read(&message(DONE, &[0; 4]), &mut answer), Some(Progress::Done));
    let device = |index, name: &str, queue_pairs| Device { index, name: name.into(), queue_pairs };
    assert_eq!(answer.devices, [device(3, "rdmap79s0", 2), device(4, "ibp12s0", 1)]);
}

#[test]
fn what_the_kernel_holds_itself_does_not_count() {
    let count = |owners: &[Option<&str>]| {
        let mut answer = Answer::default();
        read(&pairs(owners), &mut answer).unwrap();
        answer.of_programs
    };
    assert_eq!(count(&[Some("kefalnd\0"), Some("kefalnd\0")]), 0);
    assert_eq!(count(&[Some("kefalnd\0"), None, None]), 2);
    assert_eq!(count(&[]), 0);
}

#[test]
fn a_question_has_the_form_of_the_header_file() {
    assert_eq!(request(RES_GET, None).len(), 16);
    let of_one = request(RES_QP_GET, Some(5));
    assert_eq!((of_one.len(), u32_at(&of_one, 0), u16_at(&of_one, 4)), (24, Some(24), Some(RES_QP_GET)));
    assert_eq!(first(&of_one[HEADER..], DEV_INDEX), Some(&5_u32.to_ne_bytes()[..]));
}

#[test]
fn an_error_and_a_broken_answer_are_no_zero() {
    let mut answer = Answer::default();
    assert_eq!(read(&message(ERROR, &[0xff; 20]), &mut answer), None);
    let whole = of_device(3, "rdmap79s0", &[("qp", 2)]);
    assert_eq!(read(&whole[..whole.len() - 1], &mut answer), None);
    assert_eq!(read(&[0; 64], &mut answer), None, "a message of no length never ends");
    assert_eq!(answer, Answer::default());
}

#[test]
fn a_kernel_without_these_devices_says_nothing_of_them() {
    assert_eq!(held(&[Arc::from("no-such-device")]), None);
}

proptest! {
    #[test]
    fn whatever_is_read_the_reader_ends(
        mut piece in prop::collection::vec(any::<u8>(), 0..200),
        kind in prop::sample::select(vec![RES_GET, RES_QP_GET]),
    ) {
        let mut answer = Answer::default();
        let _ = read(&piece, &mut answer);
        let length = u32::try_from(piece.len()).unwrap();
        if piece.len() >= HEADER {
            piece[..4].copy_from_slice(&length.to_ne_bytes());
            piece[4..6].copy_from_slice(&kind.to_ne_bytes());
            piece[8..12].copy_from_slice(&SEQUENCE.to_ne_bytes());
            let _ = read(&piece, &mut answer);
        }
        prop_assert!(answer.devices.len() <= 20 && answer.of_programs <= 100);
    }

    #[test]
    fn what_is_written_is_read(name in "[a-z0-9]{1,20}", count in any::<u64>(), before in any::<u64>()) {
        let mut answer = Answer::default();
        read(&of_device(9, &name, &[("cq", before), ("qp", count)]), &mut answer).unwrap();
        prop_assert_eq!(answer.devices, [Device { index: 9, name, queue_pairs: count }]);
    }
}
