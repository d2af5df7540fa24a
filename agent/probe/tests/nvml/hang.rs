//! A hang in each call that the probe makes.

use std::collections::BTreeSet;

use gpunode_fake_nvml::scenario::PROFILES;
use gpunode_probe_protocol::gpu::Sweep;
use gpunode_probe_protocol::library::Unusable;
use gpunode_probe_protocol::message::{Say, Want};

use crate::probe::Probe;

/// Milliseconds; a quarter of it is the time that a sweep waits before it goes on past a call.
const DEADLINE: u32 = 3000;
const MIG: &str = "mig = { enabled = true, instances = [{ index = 1, uuid = 'MIG-1', memory = 7 }] }";

/// The calls of sweeps and registrations over every profile: with a GPU's index, and about none.
fn calls() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut of_gpu, mut of_none) = (BTreeSet::new(), BTreeSet::new());
    for (profile, _) in PROFILES {
        let mut probe =
            Probe::start(&format!("profile = {profile:?}\ncount = 2\ntrace = true\n[every]\n{MIG}"));
        probe.whole();
        probe.watch(&[]).unwrap();
        for call in probe.calls() {
            match call.split_once(' ') {
                Some((name, _)) => of_gpu.insert(name.to_owned()),
                None => of_none.insert(call),
            };
        }
    }
    (of_gpu, of_none)
}

/// Calls that only registering for events makes; they cannot hold up a sweep.
fn is_of_events(call: &str) -> bool {
    call.starts_with("nvmlEventSet")
        || call.contains("RegisterEvents")
        || call.contains("SupportedEventTypes")
}

/// A profile where the call is made.
fn profile(call: &str) -> &'static str {
    let old = ["nvmlDeviceGetNvLinkState", "nvmlDeviceGetNvLinkVersion", "nvmlDeviceGetNvLinkErrorCounter"];
    let old_power = ["nvmlDeviceGetPowerUsage", "nvmlDeviceGetPowerManagementLimit"];
    let fallbacks = ["nvmlDeviceGetPowerManagementDefaultLimit", "nvmlDeviceGetGpuFabricInfo"];
    if [&old[..], &old_power, &fallbacks].concat().contains(&call) { "v100" } else { "h100" }
}

fn hung(call: &str, place: &str) -> Sweep {
    let profile = profile(call);
    let fault = format!("[calls.{call}]\n{place} = {{ hang = true }}");
    let mut probe = Probe::start(&format!("profile = {profile:?}\n{fault}\n[every]\n{MIG}"));
    probe.sweep(DEADLINE, &[], true).unwrap()
}

/// Most of the time is waiting: many at once.
fn each<'a>(calls: impl Iterator<Item = &'a String>, test: impl Fn(&str) + Sync) {
    let calls: Vec<&String> = calls.collect();
    std::thread::scope(|scope| {
        for some in calls.chunks(3) {
            scope.spawn(|| some.iter().for_each(|call| test(call)));
        }
    });
}

#[test]
fn a_call_about_a_gpu_that_hangs_is_named_and_all_other_gpus_are_there() {
    let (calls, _) = calls();
    assert!(calls.len() > 40, "{calls:?}");
    each(calls.iter().filter(|call| !is_of_events(call)), |call| {
        let sweep = hung(call, "gpu2");
        let stuck = sweep.stuck.unwrap_or_else(|| panic!("{call}: nothing is stuck"));
        assert_eq!((stuck.call.as_str(), stuck.index), (call, Some(2)));
        let unknown = ["nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetPciInfo_v3"].contains(&call);
        assert_eq!(stuck.pci.is_none(), unknown, "{call}: {:?}", stuck.pci);
        assert!(stuck.for_ms > 0, "{call}: {}", stuck.for_ms);
        let present: Vec<u32> = sweep.gpus.iter().map(gpunode_probe_protocol::gpu::Entry::index).collect();
        assert_eq!(present, [0, 1, 3, 4, 5, 6, 7], "{call}");
    });
}

#[test]
fn a_call_about_no_gpu_that_hangs_is_named() {
    let (_, calls) = calls();
    assert!(calls.len() >= 7, "{calls:?}");
    each(calls.iter().filter(|call| !is_of_events(call) && *call != "nvmlShutdown"), |call| {
        let sweep = hung(call, "system");
        let stuck = sweep.stuck.unwrap_or_else(|| panic!("{call}: nothing is stuck"));
        assert_eq!((stuck.call.as_str(), stuck.index, sweep.gpus.len()), (call, None, 0));
    });
}

#[test]
fn a_registration_that_hangs_is_named_and_sweeps_go_on() {
    let calls = ["nvmlEventSetCreate", "nvmlDeviceGetSupportedEventTypes", "nvmlDeviceRegisterEvents"];
    for call in calls {
        let mut probe = Probe::start(&format!("profile = 'h100'\n[calls.{call}]\nall = {{ hang = true }}"));
        let id = probe.send(DEADLINE, Want::Events { skip: Vec::new() });
        let message = probe.next().unwrap();
        let Say::Events(Err(Unusable::Stuck { call: stuck, .. })) = message.say else {
            panic!("{message:?}")
        };
        assert_eq!((message.id, stuck.as_str()), (id, call));
        assert_eq!(probe.whole().gpus.len(), 8);
    }
}

#[test]
fn what_is_skipped_is_not_asked_and_what_comes_too_late_is_not_told() {
    let slow = "profile = 'h100'\n[calls.nvmlDeviceGetFieldValues]\ngpu2 = { hang_ms = 5000 }";
    let mut probe = Probe::start(slow);
    let sweep = probe.sweep(DEADLINE, &[], false).unwrap();
    assert_eq!(sweep.stuck.map(|stuck| stuck.call).as_deref(), Some("nvmlDeviceGetFieldValues"));
    // By address, which the fake's machine can only tell by asking the GPU for it, and by index.
    for skip in ["0000:75:00.0", "2"] {
        let sweep = probe.sweep(30_000, &[skip], false).unwrap();
        assert_eq!(sweep.stuck, None);
        let skipped = &sweep.gpus[2];
        assert!(
            matches!(skipped, gpunode_probe_protocol::gpu::Entry::Skipped { index: 2, pci: Some(pci) } if pci == "0000:75:00.0"),
            "{skipped:?}"
        );
    }
}

#[test]
fn three_gpus_that_hang_leave_the_other_five() {
    let fault = "gpu0 = { hang = true }\ngpu3 = { hang = true }\ngpu4 = { hang = true }";
    let mut probe = Probe::start(&format!("profile = 'h100'\n[calls.nvmlDeviceGetClockInfo]\n{fault}"));
    let sweep = probe.sweep(2 * DEADLINE, &[], false).unwrap();
    assert_eq!(sweep.stuck.and_then(|stuck| stuck.index), Some(0));
    assert_eq!(sweep.gpus.len(), 5);
}
