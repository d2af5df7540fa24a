//! The installer against an AWS that throttles, breaks and loses answers, killed at its calls, and beside itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use gpunode_tests::aws::{Bed, Fault, Inventory, Proxy, Told};
use gpunode_tests::binary::thorough;

/// Every kind of thing is among these.
const MORE: [(&str, &str); 2] = [("INSTALL_KARPENTER", "1"), ("INSTALL_EFS_CSI", "1")];

/// What is in the account, with its number taken out: to compare accounts.
fn normal(bed: &Bed) -> Inventory {
    let text = serde_json::to_string(&bed.inventory().0).unwrap().replace(bed.account(), "ACCOUNT");
    Inventory(serde_json::from_str(&text).unwrap())
}

/// What an apply without any trouble makes.
fn straight(number: u32) -> Inventory {
    let bed = Bed::new(number);
    let told = bed.run(&["apply", "--yes"], &MORE);
    assert_eq!(told.code, Some(0), "{told:?}");
    normal(&bed)
}

fn unchanged_by_another_apply(bed: &Bed) {
    let proxy = Proxy::start(|_, _| Fault::None).unwrap();
    let told = bed.run_through(&proxy, &["apply", "--yes"], &MORE);
    assert_eq!((told.code, proxy.mutating()), (Some(0), 0), "{told:?}");
}

#[test]
fn throttled_broken_and_answers_lost_it_ends_where_a_straight_run_does() {
    let bed = Bed::new(101);
    let before = bed.inventory();
    let proxy = Proxy::start(|number, _| match number {
        _ if number % 7 == 2 => Fault::Throttle,
        _ if number % 11 == 3 => Fault::Broken,
        _ if number % 13 == 4 => Fault::LoseAnswer,
        _ if number % 17 == 5 => Fault::Close,
        _ => Fault::None,
    })
    .unwrap();
    let told = bed.run_through(&proxy, &["apply", "--yes"], &MORE);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(normal(&bed), straight(102));
    unchanged_by_another_apply(&bed);
    let told = bed.run_through(&proxy, &["destroy", "--yes"], &MORE);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(bed.inventory(), before);
}

/// Runs `task` and kills it at one of its mutating calls, again and again, until one run comes to its end. The call is
/// carried out or not, in turn, and its answer is never seen. Returns how often it was killed.
fn killed_again_and_again(bed: &Bed, task: &str) -> usize {
    let mut kills = 0;
    loop {
        assert!(kills < 200, "it comes to no end");
        // At one of its first calls, so that the other calls that are out at that time differ. A run gets on by as many;
        // with GPUNODE_THOROUGH by few, so that it is killed nearly everywhere.
        let (at, carried_out) = (1 + kills % if thorough() { 2 } else { 6 }, kills % 4 != 3);
        let told = bed.killed(at, carried_out, &[task, "--yes"], &MORE);
        if told.code == Some(0) {
            return kills;
        }
        assert_eq!(told.code, None, "it was not killed: {told:?}");
        kills += 1;
    }
}

#[test]
fn killed_at_its_calls_it_goes_on_where_it_ended() {
    let bed = Bed::new(103);
    let before = bed.inventory();
    let kills = killed_again_and_again(&bed, "apply");
    assert!(kills > 4, "{kills}");
    assert_eq!(normal(&bed), straight(104));
    unchanged_by_another_apply(&bed);
    let kills = killed_again_and_again(&bed, "destroy");
    assert!(kills > 4, "{kills}");
    assert_eq!(bed.inventory(), before);
}

#[test]
fn two_at_once_end_where_one_does() {
    let bed = Bed::new(105);
    let before = bed.inventory();
    for task in ["apply", "destroy"] {
        let proxy = Proxy::start(|_, _| Fault::None).unwrap();
        let both = [(); 2].map(|()| bed.start(&proxy, &[task, "--yes"], &MORE));
        for child in both {
            let told = Told::from(child.wait_with_output().unwrap());
            assert_eq!(told.code, Some(0), "{told:?}");
        }
        if task == "apply" {
            assert_eq!(normal(&bed), straight(106));
            unchanged_by_another_apply(&bed);
        } else {
            assert_eq!(bed.inventory(), before);
        }
    }
}
