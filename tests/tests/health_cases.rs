//! The stories of `cases/health`: each machine, each fault, exactly its findings, and what takes them away.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};

use gpunode_host::health::rules;
use gpunode_tests::health::{Case, play};

/// Rules without a story, and what shows them. XIDs have `health_xids`.
const ELSEWHERE: [(&str, &str); 24] = [
    ("DataVolumeNotMounted", "daemonset/src/mounts/tests.rs, kube_report"),
    ("DataVolumeReadOnly", "the same"),
    ("EfaDriverHangs", "health_monitor, check_cli: it takes a reader that hangs"),
    ("EfaDriverPair", "agent/host/src/health/judge/efa_devices/tests.rs"),
    ("EfaTopologyCheck", "agent/host/src/health/judge/efa_devices/tests.rs"),
    ("EfaMissing", "check_cli: no interface metadata, and fewer than the type has"),
    ("EfaNoRdm", "agent/host/src/health/judge/libfabric.rs"),
    ("EfaQueueClosed", "agent/host/src/health/state/efa/tests.rs: a file that ends with ENODEV"),
    ("EfaRateLow", "agent/host/src/health/judge/efa_devices/tests.rs"),
    ("EfaUnresponsive", "health_monitor: it takes a reader that hangs"),
    ("GpuHangs", "health_monitor"),
    ("GpuPcieGeneration", "agent/host/src/health/judge/gpus/tests.rs"),
    ("GpuProbeCrashed", "health_monitor"),
    ("GpuProbeGarbage", "agent/host/src/health/judge/nvml.rs, agent/probe/client/tests"),
    ("GpuProbeHung", "health_hangs"),
    ("GpuProbeNotStarted", "health_look"),
    ("GpuUnavailable", "health_monitor: an event"),
    ("KernelLogLost", "health_monitor"),
    ("LibfabricProbeFailed", "health_look"),
    ("LibfabricUnusable", "agent/host/src/health/judge/libfabric.rs"),
    ("NvidiaDriverAbsent", "health_monitor"),
    ("NvmlNotInstalled", "health_look"),
    ("NvmlUnusable", "health_monitor"),
    ("NvmlVersionMismatch", "health_look"),
];

/// Plays every case whose file's name begins so; all failures are told together.
fn play_all(prefix: &str) {
    let mut cases = Case::all().unwrap();
    cases.retain(|(name, _)| name.starts_with(prefix));
    assert!(!cases.is_empty(), "no case begins with {prefix}");
    let mut failures = Vec::new();
    for (name, case) in &cases {
        assert!(case.instances().next().is_some(), "{name}: no instance type");
        for instance in case.instances() {
            if let Err(why) = play(case, instance) {
                failures.push(format!("{name} on {instance}, {}\n{why}", case.about));
            }
        }
    }
    assert!(failures.is_empty(), "{} failed\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn healthy_machines_have_no_findings() {
    play_all("healthy");
}

#[test]
fn faults_of_gpus() {
    play_all("gpu-");
}

#[test]
fn xids() {
    play_all("xid-");
}

#[test]
fn faults_of_efa() {
    play_all("efa-");
}

#[test]
fn what_the_kernel_says() {
    play_all("log-");
}

/// A rule that nothing plays is a promise that nobody has tried.
#[test]
fn every_rule_has_a_story() {
    let told: BTreeSet<_> = Case::all().unwrap().into_iter().flat_map(|(_, case)| case.codes()).collect();
    let elsewhere: BTreeMap<_, _> = ELSEWHERE.into_iter().collect();
    let is_xid = |code: &str| code.starts_with("Xid");
    let codes: Vec<_> = rules::all().map(|rule| rule.code).filter(|code| !is_xid(code)).collect();
    let untold: Vec<_> =
        codes.iter().filter(|code| !told.contains(**code) && !elsewhere.contains_key(**code)).collect();
    assert!(untold.is_empty(), "no case of cases/health has {untold:?}");
    let needless: Vec<_> =
        elsewhere.keys().filter(|code| told.contains(**code) || !codes.contains(code)).collect();
    assert!(needless.is_empty(), "{needless:?} have a story, or are no rules");
}
