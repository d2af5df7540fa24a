use super::*;
use crate::gpu_pci::{Link, Power};

fn gpu(bus: u8) -> GpuPci {
    let (address, driver) = (format!("0000:{bus:02x}:00.0"), Some("nvidia".to_owned()));
    GpuPci { address, device_id: 0x2330, driver, numa_node: None, power: Power::default() }
}

fn answers() -> Hardware {
    let config = ConfigSpace::Answers { vendor_id: 0x10de, device_id: 0x2330 };
    let link = Link { width: Some(16), max_width: Some(16), ..Link::default() };
    Hardware { config, link, information: None, driver_power: None }
}

/// The signs on a machine of two GPUs of which the second was changed.
fn signs(driver: bool, change: impl Fn(&mut GpuPci, &mut Hardware)) -> Vec<String> {
    let (mut gpu1, mut hardware1) = (gpu(0x64), answers());
    change(&mut gpu1, &mut hardware1);
    let expect = Expect { gpus: Some(2), ..Expect::default() };
    let sightings = judge(&[gpu(0x53), gpu1], &[Some(answers()), Some(hardware1)], driver, &expect);
    sightings.iter().map(|sighting| format!("{} {}", sighting.rule.code, sighting.subject.id())).collect()
}

#[test]
fn each_fault_has_its_sign_and_no_other() {
    assert!(signs(true, |_, _| {}).is_empty());
    assert_eq!(signs(true, |_, hardware| hardware.config = ConfigSpace::AllOnes), ["GpuOffBus 0000:64:00.0"]);
    assert_eq!(signs(true, |gpu, _| gpu.driver = None), ["GpuNotBound 0000:64:00.0"]);
    assert_eq!(signs(true, |gpu, _| gpu.driver = Some("nouveau".into())), ["GpuNotBound 0000:64:00.0"]);
    assert!(
        signs(true, |gpu, _| gpu.driver = Some("vfio-pci".into())).is_empty(),
        "handed to a virtual machine"
    );
    assert_eq!(signs(true, |_, hardware| hardware.link.width = Some(8)), ["GpuPcieWidth 0000:64:00.0"]);
    assert_eq!(signs(false, |_, _| {}), ["NvidiaDriverAbsent "]);
    let asleep = |status: &'static str| {
        move |gpu: &mut GpuPci, _: &mut Hardware| {
            gpu.power = Power { state: Some("D3cold".into()), runtime_status: Some(status.into()) };
        }
    };
    assert_eq!(signs(true, asleep("active")), ["GpuStuckInLowPower 0000:64:00.0"]);
    assert!(signs(true, asleep("suspended")).is_empty(), "the kernel put it to sleep");
}

#[test]
fn fewer_than_the_type_has_is_a_finding_of_the_node() {
    let expect = Expect { gpus: Some(8), ..Expect::default() };
    let sightings = judge(&[gpu(0x53)], &[None], true, &expect);
    assert_eq!(sightings[0].message, "1 of 8 GPUs are on the PCI bus: 0000:53:00.0");
    assert_eq!(judge(&[], &[], true, &expect)[0].message, "0 of 8 GPUs are on the PCI bus");
    let without_driver = &judge(&[gpu(0x53)], &[None], false, &Expect::default())[0];
    assert_eq!(without_driver.message, "1 GPU on the PCI bus and no NVIDIA driver loaded");
    assert!(judge(&[], &[], true, &Expect::default()).is_empty(), "a machine without GPUs");
    assert!(judge(&[], &[], false, &Expect::default()).is_empty(), "and without their driver");
}

#[test]
fn a_board_that_is_wired_to_fewer_lanes_is_as_it_was_made() {
    let narrow = || {
        let link = Link { width: Some(8), max_width: Some(16), ..Link::default() };
        Some(Hardware { link, ..answers() })
    };
    let sightings = judge(&[gpu(0x53), gpu(0x64)], &[narrow(), narrow()], true, &Expect::default());
    assert!(sightings.is_empty(), "{sightings:?}");
}
