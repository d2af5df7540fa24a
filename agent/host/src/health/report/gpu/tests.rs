//! What a report says of one GPU.

use gpunode_probe_protocol::Reading::Value;
use gpunode_probe_protocol::gpu::{Clocks, Entry, Fabric, Gpu as Nvml, GspMode, Link, Sweep};

use crate::health::Seen;
use crate::health::report::tests::{GPU, NOW, healthy, machine, report};
use crate::health::report::{Report, SourceState, Standing, Verdict};

/// A GPU that has nothing of what NVML knows, with one link.
pub(in crate::health::report) fn bare() -> Report {
    let links = vec![Link::default()];
    let asked = serde_json::to_string(&Nvml { pci: GPU.into(), links, ..Nvml::default() }).unwrap();
    let gpu = serde_json::from_str(&asked.replace("notAsked", "notSupported")).unwrap();
    let mut health = machine(2);
    let sweep = Sweep { count: Value(1), gpus: vec![Entry::Read(Box::new(gpu))], ..Sweep::default() };
    health.see(NOW, Seen::Gpus(Ok(Box::new(sweep))));
    report(&health, SourceState::Answered)
}

#[test]
fn what_the_fabric_and_the_firmware_say_is_there_with_its_words() {
    let gpu = Nvml {
        pci: GPU.into(),
        gsp: Value("580.95.05".into()),
        gsp_mode: Value(GspMode { enabled: true, by_default: true }),
        fabric: Value(Fabric {
            state: 3,
            health_mask: Some(0x1a9),
            health_summary: Some(2),
            ..Fabric::default()
        }),
        clocks: Clocks { event_reasons: Value(0x48 | 1 << 40), ..Clocks::default() },
        failures: vec![("nvmlDeviceGetPowerUsage".into(), 999)],
        ..Nvml::default()
    };
    let mut health = machine(2);
    let sweep = Sweep { count: Value(1), gpus: vec![Entry::Read(Box::new(gpu))], ..Sweep::default() };
    health.see(NOW, Seen::Gpus(Ok(Box::new(sweep))));
    let gpu = serde_json::to_value(&report(&health, SourceState::Answered).gpus[0]).unwrap();
    assert_eq!(
        gpu["fabric"],
        serde_json::json!({"state": 3, "status": 0, "clique": 0, "cluster": "", "healthMask": 0x1a9,
            "healthSummary": 2, "faults": ["degraded bandwidth"]})
    );
    assert_eq!(gpu["gsp"], serde_json::json!({"version": "580.95.05", "enabled": true, "byDefault": true}));
    let reasons = serde_json::json!(["hardware-slowdown", "hardware-thermal", "bit-40"]);
    assert_eq!(gpu["clocks"]["eventReasons"], reasons);
    let failures = serde_json::json!([{"call": "nvmlDeviceGetPowerUsage", "code": 999}]);
    assert_eq!(gpu["failures"], failures);
}

#[test]
fn what_a_gpu_does_not_have_is_named_and_is_no_fault() {
    let report = bare();
    assert_eq!((report.verdict, report.gpus[0].standing), (Verdict::Healthy, Standing::Ok));
    let names = &report.gpus[0].not_supported;
    for name in ["fabric", "ecc.sram", "gsp.enabled", "nvlinks.links.errors.replay", "recoveryAction"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let asked = healthy().gpus.remove(0).not_supported;
    assert!(asked.is_empty(), "what was not asked for may well be supported: {asked:?}");
}
