//! Healthy machines: nothing fails, and what the GPU does not have is not supported.

use gpunode_fake_nvml::scenario::{PROFILES, Scenario};
use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::{Entry, GspMode, Memory, Sweep};

use crate::probe::{self, Probe, gpu};

fn healthy(profile: &str) -> Sweep {
    Probe::start(&format!("profile = {profile:?}")).whole()
}

#[test]
fn no_call_fails_on_any_profile() {
    for (profile, _) in PROFILES {
        let sweep = healthy(profile);
        assert!(sweep.gpus.len() >= 4, "{profile}");
        for index in 0..u32::try_from(sweep.gpus.len()).unwrap() {
            let gpu = gpu(&sweep, index);
            assert_eq!(gpu.failures, Vec::new(), "{profile} {}", gpu.pci);
            assert!(gpu.product.value().is_some() && gpu.uuid.value().is_some(), "{profile}");
            let json = serde_json::to_string(gpu).unwrap();
            assert!(!json.contains("notAsked") && !json.contains("failed\""), "{profile}: {json}");
        }
    }
}

#[test]
fn every_case_can_be_read_and_the_healthy_ones_are() {
    let mut seen = 0;
    for file in std::fs::read_dir(probe::cases()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let text = probe::case(&name);
        Scenario::parse(&text)
            .and_then(|scenario| scenario.gpus())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        if name.starts_with("healthy-") {
            let sweep = Probe::start(&text).whole();
            let well = |entry: &Entry| matches!(entry, Entry::Read(gpu) if gpu.failures.is_empty());
            assert!(sweep.gpus.iter().all(well), "{name}");
            seen += 1;
        }
    }
    assert!(seen >= 9, "{seen}");
}

#[test]
fn what_changed_with_the_generations_is_read_where_it_is() {
    let (v100, a100, h100, b200) = (healthy("v100"), healthy("a100"), healthy("h100"), healthy("b200"));
    assert_eq!(gpu(&v100, 0).remap, Reading::NotSupported);
    assert!(gpu(&v100, 0).pages.value().is_some());
    // Only the old calls know these links.
    assert_eq!(gpu(&v100, 0).links.len(), 6);
    assert_eq!(gpu(&v100, 0).links[5].errors.crc_data, Reading::Value(0));
    assert_eq!(gpu(&v100, 0).power.usage, Reading::Value(43_000));
    assert_eq!((&gpu(&v100, 0).gsp, gpu(&v100, 0).gsp_mode), (&Reading::NotSupported, Reading::NotSupported));

    assert_eq!(gpu(&a100, 3).pci, "0000:20:1d.0");
    assert_eq!(gpu(&a100, 0).pages, Reading::NotSupported);
    assert_eq!(gpu(&a100, 0).links.len(), 12);
    assert_eq!(gpu(&a100, 0).fabric, Reading::NotSupported);

    let fabric = gpu(&h100, 7).fabric.value().unwrap();
    assert_eq!((fabric.state, fabric.health_mask, fabric.health_summary), (3, Some(0x1aa), Some(1)));
    assert_eq!(gpu(&h100, 0).links[17].errors.replay, Reading::Value(0));
    assert_eq!(gpu(&h100, 0).links[17].errors.effective, Reading::NotSupported);
    assert_eq!(gpu(&h100, 0).links[17].remote, Reading::Value("0000:c0:00.0".into()));

    assert_eq!(gpu(&b200, 0).links[17].errors.replay, Reading::NotSupported);
    assert_eq!(gpu(&b200, 0).links[17].errors.effective, Reading::Value(0));
    assert_eq!(gpu(&b200, 0).thermal.slowdown, Reading::NotSupported);
}

#[test]
fn the_numbers_are_the_ones_of_the_machine() {
    let sweep = healthy("h100");
    assert_eq!(sweep.system.driver, Reading::Value("580.95.05".into()));
    assert_eq!(sweep.system.cuda, Reading::Value((13, 0)));
    let gpu = gpu(&sweep, 2);
    let free = 85_520_809_984 - 633_339_904 - 524_288;
    assert_eq!(gpu.memory, Reading::Value(Memory { total: 85_520_809_984, used: 524_288, free }));
    assert_eq!(gpu.thermal.gpu, Reading::Value(31));
    assert_eq!(gpu.thermal.memory, Reading::Value(38));
    assert_eq!(gpu.thermal.margin, Reading::Value(51));
    assert_eq!(gpu.thermal.shutdown, Reading::Value(92));
    assert_eq!(gpu.thermal.gpu_max, Reading::Value(87));
    assert_eq!((gpu.clocks.sm, gpu.clocks.sm_max), (Reading::Value(345), Reading::Value(1980)));
    assert_eq!(gpu.pcie.width_max, Reading::Value(16));
    assert_eq!(gpu.power.default_limit, Reading::Value(700_000));
    assert_eq!(gpu.module_id, Reading::Value(3));
    assert_eq!(gpu.remap.value().and_then(|remap| remap.histogram).map(|banks| banks.max), Some(640));
    assert_eq!(gpu.gsp_mode, Reading::Value(GspMode { enabled: true, by_default: true }));
    assert!(sweep.took_us > 0);
}

#[test]
fn what_is_slow_is_left_out_unless_it_is_asked_for() {
    let mut probe = Probe::start("profile = 'h100'\ntrace = true");
    let sweep = probe.sweep(crate::probe::PLENTY, &[], false).unwrap();
    assert_eq!(gpu(&sweep, 0).processes, Reading::NotAsked);
    assert_eq!(gpu(&sweep, 0).info_rom_valid, Reading::NotAsked);
    assert_eq!(gpu(&sweep, 0).links[0].remote, Reading::NotAsked);
    let slow = ["Inforom", "RunningProcesses", "RemotePciInfo"];
    assert!(probe.calls().iter().all(|call| !slow.iter().any(|slow| call.contains(slow))));
}

#[test]
fn all_fields_of_a_gpu_come_in_one_call_and_what_is_fixed_only_once() {
    let mut probe = Probe::start("profile = 'h100'\ntrace = true");
    probe.whole();
    let before = probe.calls().len();
    probe.whole();
    let calls = probe.calls().split_off(before);
    let made = |name: &str| calls.iter().filter(|call| **call == name).count();
    assert_eq!(made("nvmlDeviceGetFieldValues 0"), 1, "{calls:?}");
    assert_eq!(made("nvmlDeviceGetUUID 0"), 0);
    assert_eq!(made("nvmlInit_v2") + made("nvmlSystemGetDriverVersion"), 0);
}
