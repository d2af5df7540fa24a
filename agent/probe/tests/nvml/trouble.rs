//! Libraries that are absent, wrong, refuse to start, lack functions, or take the process with them.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use gpunode_fake_nvml::place;
use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::library::Unusable;
use gpunode_probe_protocol::message::Want;

use crate::probe::{PLENTY, Probe, gpu};

fn unusable(library: &Path) -> Unusable {
    let mut probe = Probe::with_library(tempfile::tempdir().unwrap(), library);
    let events = probe.watch(&[]).unwrap_err();
    let sweep = probe.sweep(PLENTY, &[], false).unwrap_err();
    assert_eq!(events, sweep);
    sweep
}

#[test]
fn a_library_that_is_not_there_is_not_installed() {
    let Unusable::NotInstalled { message } = unusable(Path::new("libnvidia-ml-of-nobody.so.1")) else {
        panic!()
    };
    assert!(message.contains("libnvidia-ml-of-nobody.so.1: cannot open"), "{message}");
}

#[test]
fn a_file_that_is_no_library_or_another_one_is_the_wrong_library() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("libnvidia-ml.so.1");
    std::fs::write(&text, "not a library").unwrap();
    let Unusable::WrongLibrary { message } = unusable(&text) else { panic!() };
    assert!(message.contains("libnvidia-ml.so.1"), "{message}");
    let Unusable::WrongLibrary { message } = unusable(Path::new("libc.so.6")) else { panic!() };
    assert!(message.contains("nvmlInit_v2"), "{message}");
}

#[test]
fn a_start_that_fails_is_told_with_its_code_and_tried_again() {
    let mut probe = Probe::start("profile = 'h100'\ninit = 18");
    let start = |code: i32, message: &str| Err(Unusable::Start { code, message: message.into() });
    let mismatch = "RM has detected an NVML/RM version mismatch.";
    assert_eq!(probe.sweep(PLENTY, &[], false), start(18, mismatch));
    assert_eq!(probe.watch(&[]), Err(Unusable::Start { code: 18, message: mismatch.into() }));
    probe.change("profile = 'h100'\ninit = 9");
    assert_eq!(probe.sweep(PLENTY, &[], false), start(9, "Driver Not Loaded"));
    probe.change("profile = 'h100'");
    assert_eq!(probe.whole().gpus.len(), 8);
}

#[test]
fn a_driver_that_was_replaced_under_it_is_started_anew() {
    let mut probe = Probe::start("profile = 'h100'");
    probe.whole();
    let gone = "[calls.nvmlDeviceGetCount_v2]\nsystem = { code = 1 }";
    probe.change(&format!("profile = 'h100'\ninit = 9\n{gone}"));
    let failed = probe.sweep(PLENTY, &[], false);
    assert!(matches!(failed, Err(Unusable::Start { code: 9, .. })), "{failed:?}");
    probe.change("profile = 'h100'\n[system]\ndriver = '590.44.01'");
    assert_eq!(probe.whole().system.driver, Reading::Value("590.44.01".into()));
}

#[test]
fn a_function_that_the_library_lacks_is_not_supported() {
    let gone = [
        "nvmlDeviceGetGpuFabricInfoV",
        "nvmlDeviceGetMarginTemperature",
        "nvmlDeviceGetSramEccErrorStatus",
        "nvmlDeviceGetTemperature",
    ];
    let mut probe = Probe::start("profile = 'h100'");
    for function in gone {
        place::without(probe.folder.path(), function);
    }
    let sweep = probe.whole();
    let gpu = gpu(&sweep, 0);
    assert_eq!(gpu.failures, Vec::new());
    assert_eq!((gpu.thermal.margin, gpu.ecc.sram), (Reading::NotSupported, Reading::NotSupported));
    assert_eq!(gpu.thermal.gpu, Reading::Value(31), "by the newer function");
    // The older function still knows it, but not its health.
    assert_eq!(gpu.fabric.value().map(|fabric| (fabric.state, fabric.health_mask)), Some((3, None)));
}

#[test]
fn a_driver_of_another_age_yields_what_it_has() {
    let old = "profile = 'h100'\nhighest_field = 230\nmissing = ['nvmlDeviceGetCurrentClocksEventReasons']
        [system]\ndriver = '550.163.01'\n[every]\nthrottled = [1, 2, 3]\n[every.fabric]\nversion = 2";
    let sweep = Probe::start(old).whole();
    let gpu0 = gpu(&sweep, 0);
    assert_eq!(gpu0.failures, Vec::new());
    assert_eq!(gpu0.clocks.event_reasons, Reading::Value(1));
    assert_eq!(gpu0.clocks.throttled.hardware_thermal, Reading::NotSupported);
    let fabric = gpu0.fabric.value().unwrap();
    assert_eq!((fabric.health_mask, fabric.health_summary), (Some(0x1aa), None));
    // The ids of throttling moved with 580.82; the old ones mean something else since.
    for driver in ["570.211.01", "580.65.06", "580.82.07", "590.44.01"] {
        let scenario =
            format!("profile = 'h100'\n[system]\ndriver = {driver:?}\n[every]\nthrottled = [1, 2, 3]\n");
        let sweep = Probe::start(&scenario).whole();
        let throttled = &gpu(&sweep, 0).clocks.throttled;
        assert_eq!(throttled.software_thermal, Reading::Value(1), "{driver}");
        assert_eq!(throttled.power_brake, Reading::Value(3), "{driver}");
    }
}

#[test]
fn a_library_that_crashes_takes_only_the_probe() {
    let mut probe =
        Probe::start("profile = 'h100'\n[calls.nvmlDeviceGetFieldValues]\ngpu2 = { crash = true }");
    probe.send(PLENTY, Want::Gpus { skip: Vec::new(), slow: false });
    assert!(probe.next().is_none());
    let (status, _) = probe.end();
    assert!(status.signal().is_some(), "{status:?}");
}
