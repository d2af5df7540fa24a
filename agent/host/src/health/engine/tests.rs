use std::time::Duration;

use super::*;
use crate::health::rules;

mod ends;

fn at(seconds: u64) -> Now {
    Now { boot: Duration::from_secs(seconds), unix_ms: 1_000_000 + seconds * 1000 }
}

fn gpu() -> Subject {
    Subject::gpu("0000:53:00.0")
}

fn codes(engine: &Engine) -> Vec<&'static str> {
    engine.findings().iter().map(|finding| finding.code).collect()
}

fn see(engine: &mut Engine, seconds: u64, sightings: &[(&'static crate::health::Rule, &str)]) {
    let sightings = sightings.iter().map(|(rule, message)| Sighting::new(rule, gpu(), *message)).collect();
    engine.look(at(seconds), &Source::Gpus, sightings);
}

#[test]
fn what_a_look_shows_stands_until_a_look_does_not_show_it() {
    let mut engine = Engine::default();
    see(&mut engine, 1, &[(&rules::GPU_REMAP_PENDING, "a remap is pending")]);
    assert!(matches!(engine.take_changes()[..], [Change::Appeared(_)]));
    see(&mut engine, 11, &[(&rules::GPU_REMAP_PENDING, "a remap is pending")]);
    assert!(engine.take_changes().is_empty(), "the same again is no change");
    assert_eq!(engine.findings()[0].since_unix_ms, 1_001_000);
    engine.look(at(12), &Source::EfaDevices, Vec::new());
    assert_eq!(codes(&engine), ["GpuRemapPending"], "another source says nothing about it");
    see(&mut engine, 21, &[]);
    assert!(matches!(engine.take_changes()[..], [Change::Gone(_)]));
    assert!(engine.findings().is_empty());
}

#[test]
fn looks_in_a_row_must_be_in_a_row() {
    let down: &[(&crate::health::Rule, &str)] = &[(&rules::NVLINK_DOWN, "17 of 18 links are up")];
    let mut engine = Engine::default();
    for (second, sign) in [(1, down), (2, &[]), (3, down), (4, &[])] {
        see(&mut engine, second, sign);
        assert!(codes(&engine).is_empty(), "{second}");
    }
    see(&mut engine, 5, down);
    see(&mut engine, 6, down);
    assert_eq!(codes(&engine), ["NvlinkDown"]);
}

#[test]
fn a_span_must_be_filled_and_a_finding_of_it_goes_after_its_hold() {
    let slow: &[(&crate::health::Rule, &str)] = &[(&rules::GPU_HARDWARE_SLOWDOWN, "held down")];
    let mut engine = Engine::default();
    for second in [0, 10, 15] {
        see(&mut engine, second, slow);
        assert!(codes(&engine).is_empty(), "{second}");
    }
    see(&mut engine, 20, slow);
    assert_eq!(codes(&engine), ["GpuHardwareSlowdown"]);
    see(&mut engine, 79, &[]);
    assert_eq!(codes(&engine), ["GpuHardwareSlowdown"], "it may come back at any moment");
    see(&mut engine, 80, &[]);
    assert!(codes(&engine).is_empty());
}

#[test]
fn an_event_is_latched_until_its_proof() {
    let mut engine = Engine::default();
    let lost = || Sighting::new(&rules::GPU_FELL_OFF_BUS, gpu(), "fell off");
    let trouble = || Sighting::new(&rules::EFA_CARD_FAULT, Subject::efa("0000:4f:00.0"), "queue closed");
    engine.happened(at(1), &Source::KernelLog, lost());
    engine.happened(at(2), &Source::KernelLog, trouble());
    engine.look(at(100), &Source::KernelLog, Vec::new());
    engine.tick(at(1_000_000));
    assert_eq!(engine.findings().len(), 2, "time proves nothing");
    engine.reset(&Subject::efa("0000:50:00.0"));
    assert_eq!(engine.findings().len(), 2, "another one was reset");
    engine.reset(&Subject::efa("0000:4f:00.0"));
    engine.reset(&gpu());
    assert_eq!(codes(&engine), ["GpuFellOffBus"], "a reset does not bring a lost GPU back");
    let saved = serde_json::to_string(&engine.save("this boot")).unwrap();
    let again = Engine::restore(serde_json::from_str(&saved).unwrap(), "this boot");
    assert_eq!(again.findings(), engine.findings(), "nor does a restart of the program");
    assert!(Engine::restore(serde_json::from_str(&saved).unwrap(), "the next boot").findings().is_empty());
}

#[test]
fn events_count_within_their_span_only() {
    let mut engine = Engine::default();
    let sign = || Sighting::new(&rules::GPU_FIRMWARE_TROUBLE, gpu(), "GSP does not answer");
    for second in [0, 300, 700, 1200] {
        engine.happened(at(second), &Source::KernelLog, sign());
        engine.tick(at(second));
        assert!(codes(&engine).is_empty(), "{second}");
    }
    engine.happened(at(1250), &Source::KernelLog, sign());
    assert_eq!(codes(&engine), ["GpuFirmwareTrouble"]);
}

#[test]
fn what_happened_goes_when_its_time_is_over() {
    let mut engine = Engine::default();
    let sighting = Sighting::new(&rules::OUT_OF_MEMORY, Subject::Node, "killed train.py");
    engine.happened(at(5), &Source::KernelLog, sighting);
    assert_eq!(engine.next_expiry(), Some(Duration::from_secs(605)));
    engine.tick(at(604));
    assert_eq!(codes(&engine), ["OutOfMemory"]);
    engine.tick(at(605));
    assert!(codes(&engine).is_empty());
    assert_eq!(engine.next_expiry(), None);
}

#[test]
fn a_silent_source_leaves_its_findings_and_marks_them() {
    let mut engine = Engine::default();
    see(&mut engine, 1, &[(&rules::GPU_REMAP_PENDING, "a remap is pending")]);
    engine.silent(&Source::Gpus);
    assert!(engine.findings()[0].stale);
    assert_eq!(engine.silent_sources().collect::<Vec<_>>(), [&Source::Gpus]);
    engine.silent(&Source::Gpus);
    let changes = engine.take_changes();
    assert!(matches!(changes[..], [Change::Appeared(_), Change::Altered(_)]), "{changes:?}");
    see(&mut engine, 30, &[(&rules::GPU_REMAP_PENDING, "a remap is pending")]);
    assert!(matches!(engine.take_changes()[..], [Change::Altered(Present { stale: false, .. })]));
    assert_eq!(engine.silent_sources().count(), 0);
}

#[test]
fn a_source_that_is_gone_takes_its_findings_along() {
    let mut engine = Engine::default();
    let source = Source::EfaPort("0000:4f:00.0".into());
    let sighting = Sighting::new(&rules::EFA_UNRESPONSIVE, Subject::efa("0000:4f:00.0"), "no answer in 2 s");
    engine.look(at(1), &source, vec![sighting]);
    engine.forget(&source);
    assert!(engine.findings().is_empty());
}

#[test]
fn the_worst_comes_first() {
    let mut engine = Engine::default();
    see(
        &mut engine,
        1,
        &[(&rules::GPU_PERSISTENCE_OFF, "off"), (&rules::GPU_REMAP_PENDING, "p"), (&rules::GPU_LOST, "lost")],
    );
    see(&mut engine, 2, &[(&rules::GPU_REMAP_PENDING, "p"), (&rules::GPU_LOST, "lost")]);
    assert_eq!(codes(&engine), ["GpuLost", "GpuRemapPending"]);
}
