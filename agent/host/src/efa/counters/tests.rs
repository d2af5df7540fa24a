use proptest::prelude::*;

use super::*;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn counters(pairs: &[(Counter, u64)]) -> Counters {
    let mut counters = Counters::default();
    for (counter, value) in pairs {
        counters.set(*counter, *value);
    }
    counters
}

#[test]
fn every_name_finds_its_counter() {
    for counter in Counter::ALL {
        assert_eq!(Counter::from_name(counter.name()), Some(*counter));
    }
    let devices = Counter::ALL.iter().filter(|counter| counter.scope() == Scope::Device).count();
    assert_eq!((devices, Counter::COUNT), (14, 36));
    assert_eq!(Counter::from_name("lifespan"), None);
}

#[test]
fn only_whole_decimal_numbers_are_counters() {
    assert_eq!(parse(b"0\n"), Some(0));
    assert_eq!(parse(b"18446744073709551615\n"), Some(u64::MAX));
    for text in ["", "\n", "-1\n", "18446744073709551616\n", "1 2", "0x10", "1.5", "N/A (no PMA)\n"] {
        assert_eq!(parse(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
fn a_newer_drivers_counters_go_to_a_list_with_an_end() {
    let mut counters = Counters::default();
    for round in 0..3 {
        for number in 0..100 {
            counters.set_by_name(&format!("new_{number}"), round);
        }
    }
    assert_eq!((counters.extra().len(), counters.extra()[3].1), (MAX_EXTRA, 2));
    counters.clear();
    assert_eq!(counters, Counters::default());
}

#[test]
fn counters_are_a_map_in_json() {
    let mut before = counters(&[(Counter::TxBytes, u64::MAX), (Counter::CmdsErr, 0)]);
    before.set_by_name("newer", 7);
    let json = serde_json::to_string(&before).unwrap();
    assert_eq!(json, r#"{"cmds_err":0,"tx_bytes":18446744073709551615,"newer":7}"#);
    assert_eq!(serde_json::from_str::<Counters>(&json).unwrap(), before);
}

#[test]
fn a_counter_that_comes_or_goes_says_nothing() {
    let delta = counters(&[(Counter::RxDrops, 9), (Counter::RxPkts, 4)])
        .delta(&counters(&[(Counter::TxPkts, 3), (Counter::RxPkts, 4)]), SECOND);
    assert_eq!(delta.change(Counter::RxDrops), Change::New);
    assert_eq!(delta.change(Counter::TxPkts), Change::Absent);
    assert_eq!((delta.by(Counter::RxPkts), delta.by(Counter::RxDrops)), (Some(0), None));
    assert!(!delta.is_reset());
}

#[test]
fn one_lower_counter_makes_all_a_new_base() {
    let delta = counters(&[(Counter::TxPkts, 10), (Counter::RxPkts, 900)])
        .delta(&counters(&[(Counter::TxPkts, 11), (Counter::RxPkts, 100)]), SECOND);
    assert!(delta.is_reset());
    assert_eq!((delta.by(Counter::RxPkts), delta.rate(Counter::RxPkts)), (None, None));
}

#[test]
fn a_wrap_is_believed_only_as_far_as_a_card_can_go() {
    let high = counters(&[(Counter::TxBytes, u64::MAX - 4)]);
    let by =
        |value, elapsed| counters(&[(Counter::TxBytes, value)]).delta(&high, elapsed).by(Counter::TxBytes);
    assert_eq!(by(5, SECOND), Some(10));
    assert_eq!(by(1 << 40, SECOND), None);
    assert_eq!(by(1 << 40, SECOND * 60), Some((1 << 40) + 5));
}

#[test]
fn without_time_there_is_no_rate() {
    let (early, late) = (counters(&[(Counter::TxPkts, 1)]), counters(&[(Counter::TxPkts, 5)]));
    assert_eq!(late.delta(&early, Duration::ZERO).rate(Counter::TxPkts), None);
    assert_eq!(late.delta(&early, SECOND * 2).rate(Counter::TxPkts), Some(2.0));
}

fn any_counters() -> impl Strategy<Value = Counters> {
    let value = prop_oneof![0..1000_u64, any::<u64>(), (u64::MAX - 1000)..=u64::MAX];
    prop::collection::btree_map(0..Counter::COUNT, value, 0..Counter::COUNT)
        .prop_map(|map| counters(&map.into_iter().map(|(at, v)| (Counter::ALL[at], v)).collect::<Vec<_>>()))
}

proptest! {
    #[test]
    fn a_difference_added_to_the_earlier_gives_the_later(
        early in any_counters(), late in any_counters(), seconds in 0..100_000_u64,
    ) {
        let delta = late.delta(&early, Duration::from_secs(seconds));
        let lower = |c: &Counter| matches!((early.get(*c), late.get(*c)), (Some(e), Some(l)) if l < e);
        for counter in Counter::ALL {
            match (delta.change(*counter), early.get(*counter), late.get(*counter)) {
                (Change::By(moved), Some(early), Some(late)) => {
                    prop_assert_eq!(early.wrapping_add(moved), late);
                    prop_assert!(late >= early || u128::from(moved) <= (u128::from(seconds) + 1) << 38);
                    prop_assert!(!delta.is_reset());
                }
                (Change::Reset, Some(_), Some(_)) => prop_assert!(Counter::ALL.iter().any(lower)),
                (Change::New, None, Some(_)) | (Change::Absent, _, None) => {}
                other => prop_assert!(false, "{counter:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_only_grows_is_never_reset(early in any_counters(), step in 0..1_000_000_u64) {
        let mut late = early.clone();
        for (counter, value) in early.iter() {
            late.set(counter, value.saturating_add(step));
        }
        prop_assert!(!late.delta(&early, SECOND).is_reset());
    }

    #[test]
    fn every_number_is_read_back(value: u64) {
        prop_assert_eq!(parse(format!("{value}\n").as_bytes()), Some(value));
    }

    #[test]
    fn any_bytes_are_a_number_or_none(bytes: Vec<u8>) {
        parse(&bytes);
    }
}
