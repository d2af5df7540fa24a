//! What ends a finding, rule by rule: the column `clears` of the catalogue, and what its page says of it.

use super::*;
use crate::health::rule::Confirm;
use crate::health::{Kind, Rule};

/// Longer than any rule's memory, and shorter than the clock runs.
const AGES: u64 = 1_000_000;

fn subject(rule: &Rule) -> Subject {
    match rule.kind {
        Kind::Gpu => gpu(),
        Kind::NvSwitch => Subject::NvSwitch { pci: "0000:05:00.0".into() },
        _ => Subject::Node,
    }
}

fn sighting(rule: &'static Rule) -> Sighting {
    Sighting::new(rule, subject(rule), "it is so")
}

/// The signs after which it is a finding for who looks once, each a second.
fn signs(rule: &Rule) -> u64 {
    match rule.confirm {
        Confirm::Times(count, _) => u64::from(count),
        Confirm::AtOnce | Confirm::Looks(_) | Confirm::For(_) => 1,
    }
}

/// A finding by looks, and the second of its last sign.
fn seen(rule: &'static Rule) -> (Engine, u64) {
    let (mut engine, last) = (Engine::at_once(), 10 + signs(rule));
    (11..=last).for_each(|second| engine.look(at(second), &Source::Gpus, vec![sighting(rule)]));
    assert_eq!(codes(&engine), [rule.code]);
    (engine, last)
}

/// A finding by events, and the second of its last sign.
fn told(rule: &'static Rule) -> (Engine, u64) {
    let (mut engine, last) = (Engine::at_once(), 10 + signs(rule));
    (11..=last).for_each(|second| engine.happened(at(second), &Source::KernelLog, sighting(rule)));
    assert_eq!(codes(&engine), [rule.code]);
    (engine, last)
}

fn hold(rule: &Rule) -> Option<u64> {
    rule.hold.map(|hold| hold.as_secs())
}

/// What a look sees is over when a look does not see it, whatever brought that; nothing else ends it.
#[test]
fn what_a_look_saw_ends_with_the_look_that_does_not_see_it() {
    for rule in rules::all() {
        let (mut engine, last) = seen(rule);
        engine.tick(at(AGES));
        engine.reset(&subject(rule));
        engine.gpu_driver_loaded();
        assert_eq!(codes(&engine), [rule.code], "only a look ends it");
        if let Some(hold) = hold(rule) {
            engine.look(at(last + hold - 1), &Source::Gpus, Vec::new());
            assert_eq!(codes(&engine), [rule.code], "it stands for {hold} s");
        }
        engine.look(at(last + hold(rule).unwrap_or(1)), &Source::Gpus, Vec::new());
        assert!(codes(&engine).is_empty(), "{}", rule.code);
    }
}

/// What an event told of is seen by no look: it ends by its column, by its time where it has one, and by a reboot.
#[test]
fn what_an_event_told_of_ends_by_its_column() {
    for rule in rules::all() {
        let code = rule.code;
        let (mut engine, last) = told(rule);
        engine.look(at(AGES), &Source::KernelLog, Vec::new());
        assert_eq!(codes(&engine), [code], "no look sees it");
        engine.tick(at(last + hold(rule).unwrap_or(AGES) - 1));
        assert_eq!(codes(&engine), [code], "its time is not over");
        engine.tick(at(last + hold(rule).unwrap_or(AGES)));
        assert_eq!(codes(&engine).is_empty(), rule.hold.is_some(), "{code}: time ends what has one");

        let (mut engine, _) = told(rule);
        engine.reset(&Subject::gpu("0000:99:00.0"));
        assert_eq!(codes(&engine), [code], "that was another one");
        engine.reset(&subject(rule));
        let by_reset = matches!(rule.clears, Clears::GpuReset | Clears::DriverReload);
        assert_eq!(codes(&engine).is_empty(), by_reset, "{code}: {:?}", rule.clears);

        let (mut engine, _) = told(rule);
        engine.gpu_driver_loaded();
        let by_driver = rule.kind == Kind::Gpu && rule.clears == Clears::GpuReset;
        assert_eq!(codes(&engine).is_empty(), by_driver, "{code}: a driver that is loaded resets every GPU");

        let (engine, _) = told(rule);
        assert_eq!(codes(&Engine::restore(engine.save("boot"), "boot")), [code], "a restart ends nothing");
        assert!(codes(&Engine::restore(engine.save("boot"), "another")).is_empty(), "{code}: a reboot does");
    }
}

/// A rule whose page says that an event tells of it must have an end that the engine knows.
#[test]
fn a_rule_of_events_says_an_end_that_comes() {
    let events = ["kernel line", "NVML event", "sequence numbers"];
    let (mut told, mut by) = (0, std::collections::BTreeMap::<_, u32>::new());
    for rule in rules::all().filter(|rule| events.iter().any(|event| rule.detected.contains(event))) {
        told += 1;
        *by.entry(format!("{:?}", rule.clears)).or_default() += 1;
        let comes = match rule.clears {
            Clears::WhenGone => rule.hold.is_some(),
            // Who is reset is a GPU, or an EFA device whose driver starts it anew.
            Clears::GpuReset => rule.kind == Kind::Gpu,
            Clears::DriverReload => rule.kind == Kind::Efa,
            Clears::Reboot | Clears::Replace => true,
        };
        assert!(comes, "{}: {:?} never comes for {:?}", rule.code, rule.clears, rule.kind);
    }
    assert!(told > 80, "{told}");
    assert_eq!(by.len(), 5, "every end is there: {by:?}");
}
