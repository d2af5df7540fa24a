use gpunode_host::health::report::{Machine, SourceState};
use gpunode_host::health::{Health, Setup, Sighting, Source, Subject, rules};
use gpunode_host::kubernetes::{label_value, qualified_name};
use proptest::prelude::*;

use super::*;
use crate::clock::Wall;

/// What stands on a machine without devices, with these findings, and all sources well but one.
fn report(sightings: &[Sighting], silent: Option<&str>) -> Report {
    let health = Health::new(Setup::default());
    let state = silent.map_or(SourceState::Answered, |why| SourceState::NotAvailable(why.to_owned()));
    let sources = [(&Source::GpuBus, state), (&Source::EfaDevices, SourceState::Answered)];
    let mut report = Report::new(&health, sources, Machine::default());
    let mut engine = gpunode_host::health::Engine::at_once();
    for sighting in sightings {
        engine.happened(at(0), &Source::KernelLog, sighting.clone());
    }
    report.findings = engine.findings();
    report
}

fn at(seconds: u64) -> Now {
    Now { boot: Duration::from_secs(100 + seconds), unix_ms: 1_700_000_000_000 + seconds * 1000 }
}

fn no_report() -> Bootstrapped {
    let folder = tempfile::tempdir().unwrap();
    Bootstrapped::read(&gpunode_host::Root::new(folder.path())).unwrap()
}

fn lost(nth: u32) -> Sighting {
    let name = gpunode_host::health::GpuName {
        pci: format!("0000:5{nth}:00.0"),
        index: Some(nth),
        ..Default::default()
    };
    Sighting::new(&rules::GPU_LOST, Subject::Gpu(name), "NVML says that it is lost")
}

/// The reporter after these looks.
fn run(mut reporter: Reporter, looks: &[(u64, &Report)]) -> (Reporter, Desired) {
    let bootstrapped = no_report();
    for (seconds, report) in looks {
        let pending = Pending::default();
        reporter.next(&Seen { now: at(*seconds), report, pending, bootstrapped: &bootstrapped });
    }
    let desired = reporter.last().clone();
    (reporter, desired)
}

fn fresh(options: Options) -> Reporter {
    Reporter::new(at(0).boot, options, Desired::default())
}

const ALL: Options = Options { taint: true, eks_repair: true };

fn statuses(desired: &Desired) -> Vec<(&'static str, Status)> {
    desired.conditions.iter().map(|condition| (condition.kind.name(), condition.status)).collect()
}

#[test]
fn a_node_starts_unknown_and_becomes_healthy_when_it_is_proven() {
    let good = report(&[], None);
    let (reporter, first) = run(fresh(Options::default()), &[(0, &good)]);
    assert!(first.conditions.iter().all(|condition| condition.status == Status::Unknown));
    let (_, then) = run(reporter, &[(12, &good)]);
    assert_eq!(
        statuses(&then),
        [
            ("GPUHealthy", Status::True),
            ("EFAHealthy", Status::True),
            ("NodeStorageHealthy", Status::True),
            ("NodeBootstrapped", Status::Unknown),
        ]
    );
    assert_eq!(then.conditions[0].reason, "NoGpus");
    assert_eq!(then.conditions[0].since_unix_ms, at(12).unix_ms);
}

#[test]
fn a_sick_gpu_is_seen_in_conditions_labels_and_taint_and_goes_again() {
    let (good, bad) = (report(&[], None), report(&[lost(3)], None));
    let (reporter, sick) = run(fresh(ALL), &[(0, &good), (12, &good), (20, &bad), (30, &bad)]);
    assert_eq!((sick.conditions[0].status, sick.conditions[0].reason.as_str()), (Status::False, "GpuLost"));
    assert_eq!(
        sick.conditions[0].since_unix_ms,
        at(20).unix_ms,
        "when it changed, not when it was said again"
    );
    assert!(sick.conditions[0].message.contains("GPU 3"), "{}", sick.conditions[0].message);
    assert_eq!(sick.labels.get("gpunode.io/gpu-3").map(String::as_str), Some("lost"));
    assert_eq!(sick.taint.as_deref(), Some("GPUHealthy"));
    let eks = sick.conditions.iter().find(|condition| condition.kind == Type::AcceleratedHardwareReady);
    let eks = eks.map(|condition| (condition.status, condition.reason.as_str()));
    assert_eq!(eks, Some((Status::False, "NvidiaXID79Error")));
    assert_eq!(sick.conditions[1].status, Status::True, "EFA is well");
    let (_, well) = run(reporter, &[(40, &good), (52, &good)]);
    assert_eq!((well.conditions[0].status, well.taint), (Status::True, None));
    assert!(!well.labels.contains_key("gpunode.io/gpu-3"));
}

#[test]
fn what_the_image_lacks_is_no_reason_to_replace_the_node() {
    let absent = Sighting::new(&rules::NVIDIA_DRIVER_ABSENT, Subject::Node, "no driver");
    let bad = report(&[absent], None);
    let (_, desired) = run(fresh(ALL), &[(0, &bad), (12, &bad)]);
    assert_eq!(desired.conditions[0].status, Status::False);
    let eks = desired.conditions.iter().find(|condition| condition.kind == Type::AcceleratedHardwareReady);
    assert_eq!(eks.map(|condition| condition.status), Some(Status::True));
}

#[test]
fn a_restart_changes_nothing_until_something_is_seen() {
    let (good, bad) = (report(&[], None), report(&[lost(3)], None));
    let (_, sick) = run(fresh(ALL), &[(0, &good), (12, &good), (20, &bad)]);
    let mut again = Reporter::new(at(30).boot, ALL, sick.clone());
    let bootstrapped = no_report();
    let pending = Pending { areas: [true; 3], log: true };
    let empty = report(&[], Some("not yet"));
    let held = again.next(&Seen { now: at(30), report: &empty, pending, bootstrapped: &bootstrapped });
    assert_eq!(held, sick);
    assert!(!again.is_settled());
    let (again, then) = run(again, &[(32, &bad)]);
    assert_eq!(then, sick);
    assert!(again.is_settled());
}

#[test]
fn a_source_that_is_gone_is_unknown_and_not_false() {
    let (good, silent) = (report(&[], None), report(&[], Some("no such folder")));
    let looks = [(0, &good), (12, &good), (20, &silent), (51, &silent)];
    let (_, desired) = run(fresh(ALL), &looks);
    let gpus = &desired.conditions[0];
    assert_eq!((gpus.status, gpus.reason.as_str()), (Status::Unknown, "SourceSilent"));
    assert!(gpus.message.contains("no such folder"), "{}", gpus.message);
    assert_eq!(desired.taint, None);
}

#[test]
fn a_warning_is_told_and_takes_nothing_away() {
    let gpu = Subject::gpu("0000:53:00.0");
    let warm = report(&[Sighting::new(&rules::GPU_TOO_HOT, gpu, "95 C")], None);
    let (_, desired) = run(fresh(ALL), &[(0, &warm), (12, &warm)]);
    assert_eq!(desired.conditions[0].reason, "GpuTooHot");
    assert_eq!(desired.conditions[0].status, Status::True);
    assert!(!desired.labels.keys().any(|key| key.contains("gpu-0")), "{:?}", desired.labels);
}

#[test]
fn thirty_two_dead_cards_fit_into_one_message() {
    let dead = |nth: u32| {
        let name = gpunode_host::health::EfaName {
            pci: format!("0000:{nth:02x}:00.0"),
            device: Some(format!("rdmap{nth}s0")),
            eni: Some(format!("eni-0123456789abcde{nth:02}")),
            network_card: Some(nth),
            ..Default::default()
        };
        Sighting::new(&rules::EFA_CARD_FAULT, Subject::Efa(name), "the admin queue is closed")
    };
    let bad = report(&(0..32).map(dead).collect::<Vec<_>>(), None);
    let (_, desired) = run(fresh(ALL), &[(0, &bad)]);
    let message = &desired.conditions[1].message;
    assert!(message.len() <= 1024 && message.ends_with("more"), "{message}");
    let sick: Vec<_> = desired.labels.iter().filter(|(_, value)| *value == "down").collect();
    assert_eq!(sick.len(), 32);
    for (key, value) in &desired.labels {
        assert_eq!((qualified_name(key), label_value(value)), (Ok(()), Ok(())));
    }
}

proptest! {
    /// Looks ten seconds apart, good or bad, and before some of them somebody sets the clock: the statuses are those of a
    /// clock that nobody sets, and each condition is as old as it is there.
    #[test]
    fn a_clock_that_is_set_changes_no_status_and_no_age(
        looks in prop::collection::vec((any::<bool>(), prop::option::weighted(0.2, -100_000_i64..100_000)), 1..60)
    ) {
        let (good, bad, bootstrapped) = (report(&[], None), report(&[lost(3)], None), no_report());
        let (mut plain, mut set) = (fresh(ALL), fresh(ALL));
        let mut wall = Wall::at(at(0));
        let mut ahead_ms = 0_i64;
        for (nth, (is_bad, by_s)) in (0_u64..).zip(looks) {
            ahead_ms += by_s.unwrap_or_default() * 1000;
            let honest = at(nth * 10);
            let now = Now { unix_ms: honest.unix_ms.saturating_add_signed(ahead_ms), ..honest };
            if let Some(by) = wall.set_by(now) {
                set.clock_set(by);
            }
            let report = if is_bad { &bad } else { &good };
            let seen = |now| Seen { now, report, pending: Pending::default(), bootstrapped: &bootstrapped };
            let (wanted, found) = (plain.next(&seen(honest)), set.next(&seen(now)));
            prop_assert_eq!(statuses(&wanted), statuses(&found));
            for (one, other) in wanted.conditions.iter().zip(&found.conditions) {
                let (age, aged) = (honest.unix_ms - one.since_unix_ms, now.unix_ms.abs_diff(other.since_unix_ms));
                prop_assert!(age.abs_diff(aged) <= 1500, "{} ms, {} ms", age, aged);
            }
            prop_assert_eq!(&wanted.labels, &found.labels);
        }
    }
}
