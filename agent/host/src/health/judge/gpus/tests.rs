use std::time::Duration;

use gpunode_probe_protocol::Reading::{NotSupported, Value};
use gpunode_probe_protocol::gpu::{EccCounts, Fabric, Link, Mig, Pcie, Remap, Sram, Utilisation};

use super::*;

fn healthy(index: u32) -> Gpu {
    let links = (0..18).map(|index| Link { index, active: Value(true), ..Link::default() }).collect();
    Gpu {
        index,
        pci: format!("0000:{:02x}:00.0", 0x50 + index),
        recovery_action: Value(0),
        persistence: Value(true),
        pstate: Value(0),
        pcie: Pcie { generation: Value(5), generation_max: Value(5), ..Pcie::default() },
        remap: Value(Remap::default()),
        fabric: Value(Fabric { state: 3, health_mask: Some(0b10_10_10_10), ..Fabric::default() }),
        mig: Value(Mig::default()),
        utilisation: Value(Utilisation { gpu: 100, memory: 50 }),
        links,
        ..Gpu::default()
    }
}

fn sweep(gpus: Vec<Gpu>) -> Sweep {
    let gpus = gpus.into_iter().map(|gpu| Entry::Read(Box::new(gpu))).collect();
    Sweep { gpus, ..Sweep::default() }
}

fn bus(count: u32) -> Vec<String> {
    (0..count).map(|index| healthy(index).pci).collect()
}

fn at(seconds: u64) -> Now {
    Now { boot: Duration::from_secs(seconds), unix_ms: 0 }
}

const EXPECT: Expect = Expect { gpus: Some(2), own_nvswitch: true, ultra_server: false };

/// The codes of a sweep of two GPUs of which the second was changed.
fn signs(change: impl Fn(&mut Gpu)) -> Vec<&'static str> {
    let mut sick = healthy(1);
    change(&mut sick);
    let judged = Gpus::default().judge(at(1), &sweep(vec![healthy(0), sick]), &bus(2), &EXPECT);
    assert!(
        judged.sightings.iter().all(|sighting| sighting.subject == Subject::gpu("0000:51:00.0")),
        "{judged:?}"
    );
    judged.sightings.iter().map(|sighting| sighting.rule.code).collect()
}

#[test]
fn a_healthy_gpu_has_no_signs() {
    assert!(signs(|_| {}).is_empty());
    // Nothing of an old or small GPU is supported, and that is no fault.
    assert!(
        signs(|gpu| *gpu =
            Gpu { index: 1, pci: gpu.pci.clone(), recovery_action: NotSupported, ..Gpu::default() })
        .is_empty()
    );
}

#[test]
fn each_fault_has_its_sign_and_no_other() {
    let fabric = |fabric: Fabric| move |gpu: &mut Gpu| gpu.fabric = Value(fabric.clone());
    assert_eq!(signs(|gpu| gpu.failures.push(("nvmlDeviceGetTemperature".into(), 15))), ["GpuLost"]);
    assert_eq!(signs(|gpu| gpu.failures.push(("nvmlDeviceGetTemperature".into(), 16))), ["GpuResetRequired"]);
    assert_eq!(signs(|gpu| gpu.failures.push(("nvmlDeviceGetTemperature".into(), 999))), ["GpuReadFails"]);
    assert_eq!(signs(|gpu| gpu.recovery_action = Value(2)), ["GpuRebootRequired"]);
    assert_eq!(
        signs(|gpu| gpu.recovery_action = Value(77)),
        [""; 0],
        "what nobody documents condemns nobody"
    );
    let counts = EccCounts { corrected: 9, uncorrected: 1 };
    assert_eq!(signs(|gpu| gpu.ecc.volatile = Value(counts)), ["GpuEccUncorrected"]);
    assert_eq!(signs(|gpu| gpu.ecc.aggregate = Value(counts)), [""; 0], "a lifetime total is no news");
    let sram = Sram { threshold_exceeded: true, ..Sram::default() };
    assert_eq!(signs(|gpu| gpu.ecc.sram = Value(sram)), ["GpuSramThreshold"]);
    assert_eq!(
        signs(|gpu| gpu.remap = Value(Remap { pending: true, ..Remap::default() })),
        ["GpuRemapPending"]
    );
    assert_eq!(
        signs(|gpu| gpu.remap = Value(Remap { failure: true, ..Remap::default() })),
        ["GpuRemapFailed"]
    );
    assert_eq!(signs(|gpu| gpu.links[3].active = Value(false)), ["NvlinkDown"]);
    assert_eq!(signs(|gpu| gpu.clocks.event_reasons = Value(0x48)), ["GpuHardwareSlowdown"]);
    assert_eq!(
        signs(|gpu| gpu.clocks.event_reasons = Value(0x4 | 0x20)),
        [""; 0],
        "power caps are normal work"
    );
    assert_eq!(signs(fabric(Fabric { state: 3, status: 999, ..Fabric::default() })), ["GpuFabricFailed"]);
    assert_eq!(
        signs(fabric(Fabric { state: 3, health_mask: Some(1), ..Fabric::default() })),
        ["GpuFabricFailed"]
    );
    let by_summary =
        Fabric { state: 3, health_mask: Some(0b10_10_10_10), health_summary: Some(2), ..Fabric::default() };
    assert_eq!(signs(fabric(by_summary)), ["GpuFabricFailed"]);
    let limited = Fabric { state: 3, health_summary: Some(3), ..Fabric::default() };
    assert_eq!(signs(fabric(limited)), [""; 0], "limited capacity may be how the machine was bought");
    assert_eq!(signs(fabric(Fabric { state: 2, status: 999, ..Fabric::default() })), ["GpuFabricNotReady"]);
    assert_eq!(signs(|gpu| gpu.persistence = Value(false)), ["GpuPersistenceOff"]);
    assert_eq!(
        signs(|gpu| (gpu.pcie.generation, gpu.pcie.generation_max) = (Value(1), Value(5))),
        ["GpuPcieGeneration"]
    );
}

#[test]
fn what_looks_like_a_fault_and_is_how_it_works() {
    // A100s close their links when MIG is on.
    let mig = |gpu: &mut Gpu| {
        gpu.mig = Value(Mig { enabled: true, pending: true, ..Mig::default() });
        gpu.links.iter_mut().for_each(|link| link.active = Value(false));
    };
    assert_eq!(signs(mig), [""; 0]);
    let asleep = |gpu: &mut Gpu| (gpu.pstate, gpu.pcie.generation) = (Value(8), Value(1));
    assert_eq!(signs(asleep), [""; 0], "an idle link is slow to save power");
    let waiting = |gpu: &mut Gpu| {
        (gpu.utilisation, gpu.pcie.generation) = (Value(Utilisation { gpu: 0, memory: 0 }), Value(1));
    };
    assert_eq!(signs(waiting), [""; 0]);
}

#[test]
fn a_gpu_without_a_handle_keeps_the_name_it_had() {
    let mut gpus = Gpus::default();
    gpus.judge(at(1), &sweep(vec![healthy(0), healthy(1)]), &bus(2), &EXPECT);
    let mut second = sweep(vec![healthy(0)]);
    second.gpus.push(Entry::Unreachable { index: 1, pci: None, code: 15 });
    let judged = gpus.judge(at(2), &second, &bus(2), &EXPECT);
    let [sighting] = &judged.sightings[..] else { panic!("{judged:?}") };
    assert_eq!((sighting.rule.code, sighting.subject.id()), ("GpuLost", "0000:51:00.0"));
}

#[test]
fn a_gpu_that_nvml_does_not_count_is_missed() {
    let judged = Gpus::default().judge(at(1), &sweep(vec![healthy(0)]), &bus(2), &EXPECT);
    let [sighting] = &judged.sightings[..] else { panic!("{judged:?}") };
    assert_eq!((sighting.rule.code, sighting.subject.id()), ("GpuUnreachable", "0000:51:00.0"));
    let cut = Sweep {
        stuck: Some(gpunode_probe_protocol::gpu::Stuck {
            call: "x".into(),
            pci: None,
            index: None,
            for_ms: 1,
        }),
        ..sweep(vec![healthy(0)])
    };
    assert!(Gpus::default().judge(at(1), &cut, &bus(2), &EXPECT).sightings.is_empty(), "it was not asked");
}

#[test]
fn totals_of_a_life_are_no_errors_and_growth_is() {
    let mut gpus = Gpus::default();
    let with = |replays: u64, pcie: u64| {
        let mut gpu = healthy(0);
        gpu.links[7].errors.replay = Value(replays);
        gpu.pcie.replays = Value(pcie);
        sweep(vec![gpu])
    };
    let mut codes = |second, sweep: Sweep| -> Vec<String> {
        let judged = gpus.judge(at(second), &sweep, &bus(1), &EXPECT);
        judged.sightings.iter().map(|s| format!("{}: {}", s.rule.code, s.message)).collect()
    };
    assert!(codes(0, with(5000, 5000)).is_empty());
    assert!(codes(60, with(5000, 5008)).is_empty());
    assert_eq!(codes(70, with(5001, 5008)), ["NvlinkErrors: errors on link 7"]);
    assert_eq!(codes(80, with(5001, 5010)), ["GpuPcieReplays: more than 8 PCIe replays a minute"]);
    assert!(codes(90, with(0, 0)).is_empty(), "the driver was loaded anew");
}

#[test]
fn a_recovery_action_that_is_over_proves_a_reset() {
    let mut gpus = Gpus::default();
    let mut with = |action| {
        let gpu = Gpu { recovery_action: action, ..healthy(0) };
        gpus.judge(at(1), &sweep(vec![gpu]), &bus(1), &EXPECT).reset.len()
    };
    assert_eq!(
        (with(Value(0)), with(Value(1)), with(NotSupported), with(Value(0)), with(Value(0))),
        (0, 0, 0, 1, 0)
    );
}
