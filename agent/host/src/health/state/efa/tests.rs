//! Faults of EFA, on a machine with two GPUs and two EFA interfaces.

use std::time::Duration;

use gpunode_probe_protocol::gpu::Gpu;
use gpunode_probe_protocol::reading::Reading;

use super::super::tests::{at, device, found, gpu, machine, sweep};
use super::super::{Health, Port, Seen, Source};
use crate::efa::counters::{Counter, Counters};
use crate::efa::{DeviceSample, Efa, Observation, PortFailure, PortReading, SampleState};

fn port(change: impl Fn(&mut Counters)) -> Seen {
    let mut counters = Counters::default();
    for counter in [Counter::TxBytes, Counter::RxBytes, Counter::TxPkts, Counter::RxPkts, Counter::RxDrops] {
        counters.set(counter, 1000);
    }
    change(&mut counters);
    let reading = PortReading { counters, ..PortReading::default() };
    Seen::EfaPort { device: "rdmap79s1".into(), what: Port::Read(Box::new(reading)) }
}

#[test]
fn drops_count_by_their_rate_and_not_by_their_total() {
    let mut health = machine();
    health.see(at(10), port(|counters| counters.set(Counter::RxDrops, 9_000_000)));
    health.see(at(20), port(|counters| counters.set(Counter::RxDrops, 9_000_000)));
    assert!(found(&health).is_empty());
    for look in 3..6 {
        health.see(at(look * 10), port(|counters| counters.set(Counter::RxDrops, 9_000_000 + look * 5000)));
    }
    assert!(found(&health).is_empty(), "not for 25 s yet");
    health.see(at(60), port(|counters| counters.set(Counter::RxDrops, 9_000_000 + 6 * 5000)));
    assert_eq!(found(&health), ["EfaDrops 0000:4f:01.0"]);
    let findings = health.findings();
    assert_eq!(findings[0].subject.to_string(), "EFA rdmap79s1 (eni-1, network card 1, 0000:4f:01.0)");
}

#[test]
fn a_card_that_does_not_answer_is_a_finding_until_it_answers() {
    let mut health = machine();
    let stalled = Port::Stalled(Duration::from_secs(2));
    health.see(at(2), Seen::EfaPort { device: "rdmap79s1".into(), what: stalled });
    assert_eq!(found(&health), ["EfaUnresponsive 0000:4f:01.0"]);
    let failure = PortFailure { path: String::new(), errno: Some(19), message: String::new() };
    health.see(at(30), Seen::EfaPort { device: "rdmap79s1".into(), what: Port::Failed(failure) });
    assert_eq!(found(&health), ["EfaQueueClosed 0000:4f:01.0"]);
    health.see(at(40), port(|_| {}));
    assert!(found(&health).is_empty());
}

#[test]
fn a_card_that_was_not_waited_for_is_no_finding_and_keeps_those_it_has() {
    let mut health = machine();
    let late = |second| {
        (
            at(second),
            Seen::EfaPort { device: "rdmap79s1".into(), what: Port::Late(Duration::from_millis(200)) },
        )
    };
    let (now, seen) = late(2);
    health.see(now, seen);
    assert!(found(&health).is_empty(), "{:?}", found(&health));
    let silent: Vec<_> = health.silent_sources().cloned().collect();
    assert_eq!(silent, [Source::EfaPort("0000:4f:01.0".into())]);
    let failure = PortFailure { path: String::new(), errno: Some(19), message: String::new() };
    health.see(at(12), Seen::EfaPort { device: "rdmap79s1".into(), what: Port::Failed(failure) });
    let (now, seen) = late(22);
    health.see(now, seen);
    assert_eq!(found(&health), ["EfaQueueClosed 0000:4f:01.0"]);
    assert!(health.findings()[0].stale, "nobody knows whether it is still so");
}

#[test]
fn a_missing_interface_is_named_by_its_eni() {
    let mut health = machine();
    let one = |second| {
        let seen = Observation { devices: vec![device("rdmap79s0", 0)], ..Observation::default() };
        (at(second), Seen::Efa(Box::new(Observation { module: Some(crate::efa::Module::default()), ..seen })))
    };
    for second in [10, 20] {
        let (now, seen) = one(second);
        health.see(now, seen);
    }
    assert_eq!(found(&health), ["EfaAbsent eni-1"]);
}

#[test]
fn idle_efa_under_load_is_told_only_after_ten_minutes() {
    let mut health = machine();
    let busy = |index| {
        let utilisation = Reading::Value(gpunode_probe_protocol::gpu::Utilisation { gpu: 98, memory: 40 });
        Gpu { utilisation, ..gpu(index) }
    };
    health.see(at(1), sweep(vec![busy(0), busy(1)]));
    health.see(at(1), Seen::EfaHeld(Some(true)));
    for look in 0..61 {
        health.see(at(10 + look * 10), port(|_| {}));
        assert!(found(&health).is_empty(), "{look}");
    }
    health.see(at(10 + 61 * 10), port(|_| {}));
    assert_eq!(found(&health), ["EfaIdle "]);
    health.see(at(630), port(|counters| counters.set(Counter::TxBytes, 5000)));
    assert!(found(&health).is_empty());
}

#[test]
fn idle_efa_is_nothing_where_no_program_holds_it() {
    for held in [Some(false), None] {
        let mut health = machine();
        let utilisation = Reading::Value(gpunode_probe_protocol::gpu::Utilisation { gpu: 98, memory: 40 });
        health.see(at(1), sweep(vec![Gpu { utilisation, ..gpu(0) }, Gpu { utilisation, ..gpu(1) }]));
        health.see(at(1), Seen::EfaHeld(held));
        for look in 0..100 {
            health.see(at(10 + look * 10), port(|_| {}));
        }
        assert!(found(&health).is_empty(), "{held:?}: {:?}", found(&health));
    }
}

#[test]
fn a_card_that_no_longer_answers_keeps_what_is_known_of_it() {
    let mut health = machine();
    let failure = PortFailure { path: String::new(), errno: Some(19), message: String::new() };
    health.see(at(2), Seen::EfaPort { device: "rdmap79s1".into(), what: Port::Failed(failure) });
    let stalled = Port::Stalled(Duration::from_secs(2));
    health.see(at(12), Seen::EfaPort { device: "rdmap79s1".into(), what: stalled });
    assert_eq!(found(&health), ["EfaQueueClosed 0000:4f:01.0", "EfaUnresponsive 0000:4f:01.0"]);
}

#[test]
fn a_device_that_went_takes_its_counters_findings_along() {
    let mut health = machine();
    let stalled = Port::Stalled(Duration::from_secs(2));
    health.see(at(2), Seen::EfaPort { device: "rdmap79s1".into(), what: stalled });
    let devices = vec![device("rdmap79s0", 0)];
    let module = Some(crate::efa::Module::default());
    let left = Observation { module, devices, ..Observation::default() };
    health.see(at(10), Seen::Efa(Box::new(left)));
    assert!(found(&health).is_empty(), "{:?}", found(&health));
}

#[test]
fn the_counters_of_a_device_that_was_made_anew_are_no_growth() {
    let mut health = machine();
    let reading = |incarnation, errors| {
        let mut counters = Counters::default();
        counters.set(Counter::RdmaReadWrErr, errors);
        let reading = PortReading { counters, incarnation, unreadable: 0 };
        Seen::EfaPort { device: "rdmap79s1".into(), what: Port::Read(Box::new(reading)) }
    };
    health.see(at(10), reading(0, 1));
    health.see(at(20), reading(1, 5));
    assert!(found(&health).is_empty(), "it may have counted more than the one before");
    health.see(at(30), reading(1, 6));
    assert_eq!(found(&health), ["EfaRdmaErrors 0000:4f:01.0"]);
}

#[test]
fn what_all_cards_suffer_is_no_card_s_fault() {
    let mut health = machine();
    let both = |health: &mut Health, second: u64, drops: [u64; 2]| {
        for (device, drops) in ["rdmap79s0", "rdmap79s1"].into_iter().zip(drops) {
            let mut counters = Counters::default();
            counters.set(Counter::RxPkts, 1000);
            counters.set(Counter::RxDrops, drops);
            let what = Port::Read(Box::new(PortReading { counters, ..PortReading::default() }));
            health.see(at(second), Seen::EfaPort { device: device.into(), what });
        }
    };
    for look in 1..10 {
        both(&mut health, look * 10, [look * 5000, look * 6000]);
    }
    assert!(found(&health).is_empty(), "{:?}", found(&health));
    for look in 10..20 {
        both(&mut health, look * 10, [50_000, 60_000 + (look - 10) * 5000]);
    }
    assert_eq!(found(&health), ["EfaDrops 0000:4f:01.0"]);
}

fn looked(stalled: bool) -> Seen {
    let devices = vec![device("rdmap79s0", 0), Efa { stalled, ..device("rdmap79s1", 1) }];
    let module = Some(crate::efa::Module::default());
    Seen::Efa(Box::new(Observation { module, devices, ..Observation::default() }))
}

fn sampled(state: SampleState, unanswered: u64) -> Seen {
    let sample = |device: &str, state, unanswered| {
        let mut counters = Counters::default();
        if state == SampleState::Read {
            counters.set(Counter::NoCompletionCmds, unanswered);
        }
        DeviceSample { device: device.into(), incarnation: 0, state, counters, full: false }
    };
    Seen::EfaDevices(vec![sample("rdmap79s0", SampleState::Read, 0), sample("rdmap79s1", state, unanswered)])
}

const HANGS: &str = "EfaDriverHangs 0000:4f:01.0";

#[test]
fn a_driver_that_does_not_answer_is_a_finding_until_it_does_whichever_file_stands() {
    // A driver before 1.14 has no counters of its own that could tell that all is well.
    for well in [SampleState::Read, SampleState::Absent] {
        let mut health = machine();
        health.see(at(1), sampled(SampleState::Stalled, 0));
        assert_eq!(found(&health), [HANGS]);
        // Its files stand, too, and its counters come back first.
        health.see(at(2), looked(true));
        health.see(at(3), sampled(well, 0));
        assert_eq!(found(&health), [HANGS], "{well:?}");
        health.see(at(4), looked(false));
        health.see(at(5), sampled(well, 0));
        assert!(found(&health).is_empty(), "{well:?}: {:?}", found(&health));
    }
}

#[test]
fn a_driver_that_was_not_waited_for_or_refuses_is_no_finding_and_keeps_those_it_has() {
    let mut health = machine();
    health.see(at(1), sampled(SampleState::Late, 0));
    assert!(found(&health).is_empty(), "{:?}", found(&health));
    health.see(at(2), sampled(SampleState::Read, 1));
    health.see(at(3), sampled(SampleState::Stalled, 0));
    assert_eq!(found(&health), ["EfaAdminTimeout 0000:4f:01.0", HANGS]);
    health.see(at(4), sampled(SampleState::Failed { errno: Some(19) }, 0));
    assert_eq!(found(&health).len(), 2, "{:?}", found(&health));
    health.see(at(5), sampled(SampleState::Read, 0));
    assert!(found(&health).is_empty(), "{:?}", found(&health));
}

#[test]
fn a_device_that_is_not_in_a_sample_keeps_what_was_learnt_of_it() {
    let mut health = machine();
    let errors = |count: u64, with: bool| {
        let mut counters = Counters::default();
        counters.set(Counter::CmdsErr, count);
        let sample = |device: &str, counters: &Counters| DeviceSample {
            device: device.into(),
            incarnation: 0,
            state: SampleState::Read,
            counters: counters.clone(),
            full: false,
        };
        let other = sample("rdmap79s0", &Counters::default());
        Seen::EfaDevices(if with { vec![other, sample("rdmap79s1", &counters)] } else { vec![other] })
    };
    health.see(at(1), errors(100, true));
    health.see(at(2), errors(0, false));
    health.see(at(3), errors(120, true));
    assert_eq!(found(&health), ["EfaCommandErrors 0000:4f:01.0"]);
}
