//! One fault each, seen in the field where it belongs and nowhere else.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::{Entry, MigInstance, Sweep};

use crate::probe::{self, Probe, gpu};

/// The sweep of a case, whose other GPUs must be as they are without the fault.
fn case(name: &str, faulty: u32) -> Sweep {
    let sweep = Probe::case(name).whole();
    for entry in sweep.gpus.iter().filter(|entry| entry.index() != faulty) {
        let healthy = gpu(&sweep, entry.index());
        assert_eq!(healthy.failures, Vec::new(), "{name}");
        assert_eq!(healthy.recovery_action, Reading::Value(0), "{name}");
    }
    sweep
}

#[test]
fn a_lost_gpu_says_so_once_and_is_asked_no_more() {
    let mut probe = Probe::start(&format!("trace = true\n{}", probe::case("healthy-p5")));
    probe.whole();
    let before = probe.calls().len();
    probe.change(&format!("trace = true\n{}", probe::case("gpu-lost")));
    let sweep = probe.whole();
    let lost = gpu(&sweep, 3);
    // It has just answered, so who it is is known.
    assert_eq!(lost.uuid, Reading::Value("GPU-00000000-0000-4000-8000-000000000003".into()));
    assert_eq!(lost.failures, [("nvmlDeviceGetFieldValues".to_owned(), 15)]);
    assert_eq!(lost.thermal.gpu, Reading::Failed(15));
    assert_eq!(lost.ecc.volatile, Reading::Failed(15));
    assert_eq!(lost.processes, Reading::Failed(15));
    let asked = probe.calls().split_off(before).into_iter().filter(|call| call.ends_with(" 3")).count();
    assert_eq!(asked, 3, "the handle, the address and one call");
}

#[test]
fn a_gpu_that_is_lost_from_the_start_has_nothing_but_an_address() {
    let sweep = case("gpu-lost", 3);
    let lost = gpu(&sweep, 3);
    assert_eq!((lost.pci.as_str(), &lost.uuid), ("0000:86:00.0", &Reading::Failed(15)));
    assert_eq!(lost.failures, [("nvmlDeviceGetUUID".to_owned(), 15)]);
}

#[test]
fn a_gpu_without_a_handle_is_unreachable_and_its_address_is_remembered() {
    let mut probe = Probe::start("profile = 'h100'");
    probe.whole();
    probe.change("profile = 'h100'\n[calls.nvmlDeviceGetHandleByIndex_v2]\ngpu3 = { code = 15 }");
    let sweep = probe.whole();
    let pci = Some("0000:86:00.0".to_owned());
    assert_eq!(sweep.gpus[3], Entry::Unreachable { index: 3, pci, code: 15 });
    let sweep = case("gpu-unreachable", 3);
    assert_eq!(sweep.gpus[3], Entry::Unreachable { index: 3, pci: None, code: 999 });
}

#[test]
fn memory_errors_are_counted_where_they_belong() {
    let sweep = case("ecc-double-bit", 5);
    let ecc = &gpu(&sweep, 5).ecc;
    assert_eq!(ecc.volatile.value().map(|counts| (counts.corrected, counts.uncorrected)), Some((12, 2)));
    assert_eq!(ecc.aggregate.value().map(|counts| (counts.corrected, counts.uncorrected)), Some((40, 3)));
    assert_eq!(gpu(&sweep, 5).recovery_action, Reading::Value(1));

    let sweep = case("sram-threshold", 1);
    let sram = gpu(&sweep, 1).ecc.sram.value().copied().unwrap();
    assert_eq!((sram.threshold_exceeded, sram.aggregate.uncorrected, sram.volatile.corrected), (true, 7, 1));
}

#[test]
fn a_remap_is_pending_until_the_reset_and_a_failed_one_stays() {
    let mut probe = Probe::case("remap-pending");
    let remap = |sweep: &Sweep| gpu(sweep, 2).remap.value().copied().unwrap();
    let pending = probe.whole();
    assert_eq!((remap(&pending).uncorrected, remap(&pending).pending), (1, true));
    assert_eq!(remap(&pending).histogram.map(|banks| (banks.max, banks.high)), Some((639, 1)));
    probe.change("profile = 'h100'\n[gpu.2.fields]\n143 = 1");
    let reset = probe.whole();
    assert_eq!((remap(&reset).uncorrected, remap(&reset).pending), (1, false));
    let failed = case("remap-failed", 2);
    assert!(remap(&failed).failure);
    assert_eq!(remap(&failed).histogram.map(|banks| banks.none), Some(1));
}

#[test]
fn retired_pages_are_told_before_ampere() {
    let sweep = Probe::case("pages-pending").whole();
    let pages = gpu(&sweep, 0).pages.value().copied().unwrap();
    assert_eq!((pages.single_bit, pages.double_bit, pages.pending), (2, 1, true));
}

#[test]
fn a_link_that_is_down_is_that_link_of_that_gpu() {
    let sweep = case("nvlink-down", 4);
    for link in &gpu(&sweep, 4).links {
        assert_eq!(link.active, Reading::Value(link.index != 7), "{}", link.index);
    }
    let sweep = case("nvlink-errors-hopper", 4);
    let errors = &gpu(&sweep, 4).links[9].errors;
    assert_eq!((errors.replay, errors.recovery), (Reading::Value(120), Reading::Value(3)));
    assert_eq!(errors.crc_flit, Reading::Value(5_000_000_000));
    assert_eq!(gpu(&sweep, 4).links[8].errors.replay, Reading::Value(0));
    let sweep = case("nvlink-errors-blackwell", 0);
    let errors = &gpu(&sweep, 0).links[17].errors;
    assert_eq!((errors.recovery_failed, errors.effective), (Reading::Value(1), Reading::Value(77)));
}

#[test]
fn heat_and_brakes_are_told() {
    let sweep = case("throttling", 6);
    let hot = gpu(&sweep, 6);
    assert_eq!(hot.clocks.event_reasons, Reading::Value(0x48));
    assert_eq!(hot.clocks.throttled.hardware_thermal, Reading::Value(4_000_000_000));
    assert_eq!((hot.thermal.gpu, hot.thermal.margin), (Reading::Value(90), Reading::Value(-3)));
    let sweep = case("pcie-degraded", 1);
    let pcie = &gpu(&sweep, 1).pcie;
    assert_eq!((pcie.width, pcie.width_max), (Reading::Value(4), Reading::Value(16)));
    assert_eq!((pcie.replays, pcie.fatal), (Reading::Value(900), Reading::Value(1)));
}

#[test]
fn a_fabric_that_failed_is_told_with_its_code_and_mask() {
    let sweep = case("fabric-failed", 0);
    let fabric = gpu(&sweep, 0).fabric.value().unwrap();
    assert_eq!((fabric.state, fabric.status), (3, 999));
    assert_eq!((fabric.health_mask, fabric.health_summary), (Some(0x1a9), Some(2)));
}

#[test]
fn a_corrupt_info_rom_is_a_value_and_another_error_a_failure() {
    let sweep = case("info-rom-corrupt", 7);
    assert_eq!(gpu(&sweep, 7).info_rom_valid, Reading::Value(false));
    let mut probe =
        Probe::start("profile = 'h100'\n[calls.nvmlDeviceGetPerformanceState]\ngpu1 = { code = 999 }");
    let sweep = probe.whole();
    assert_eq!(gpu(&sweep, 1).pstate, Reading::Failed(999));
    assert_eq!(gpu(&sweep, 1).failures, [("nvmlDeviceGetPerformanceState".to_owned(), 999)]);
    assert_eq!(gpu(&sweep, 1).thermal.gpu, Reading::Value(31));
}

#[test]
fn mig_devices_are_listed_across_the_gaps_in_their_numbers() {
    let sweep = case("mig", 0);
    let mig = gpu(&sweep, 0).mig.value().unwrap();
    assert!(mig.enabled && !mig.pending);
    let device = |uuid: &str, gpu_instance, memory| MigInstance {
        uuid: uuid.into(),
        gpu_instance,
        compute_instance: 0,
        memory_total: Some(memory),
    };
    assert_eq!(mig.instances, [device("MIG-a", 1, 41_875_931_136), device("MIG-b", 5, 20_803_747_840)]);
}
