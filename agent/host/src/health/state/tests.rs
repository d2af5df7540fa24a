//! Faults, one after the other, on a machine with two GPUs and two EFA interfaces.

use std::time::Duration;

use gpunode_probe_protocol::Reading::Value;
use gpunode_probe_protocol::gpu::{Entry as GpuEntry, Gpu, Stuck, Sweep};

use super::*;
use crate::efa::{Efa, Expected, Observation};
use crate::gpu_pci::GpuPci;
use crate::health::judge::nvml::Trouble;
use crate::kernel_log::{Parser, Record, Speakers};
use crate::metadata::Eni;

const GPUS: [&str; 2] = ["0000:53:00.0", "0000:64:00.0"];

pub(super) fn at(seconds: u64) -> Now {
    Now { boot: Duration::from_secs(seconds), unix_ms: seconds * 1000 }
}

pub(super) fn gpu(index: u32) -> Gpu {
    Gpu { index, pci: GPUS[index as usize].to_owned(), recovery_action: Value(0), ..Gpu::default() }
}

pub(super) fn sweep(gpus: Vec<Gpu>) -> Seen {
    let gpus = gpus.into_iter().map(|gpu| GpuEntry::Read(Box::new(gpu))).collect();
    Seen::Gpus(Ok(Box::new(Sweep { gpus, ..Sweep::default() })))
}

fn line(text: &str) -> Seen {
    let text = format!("4,1,1,-;{text}\n");
    let record = Record::parse(text.as_bytes()).unwrap();
    Seen::Kernel(Box::new(Parser::new(Speakers::Kernel).parse(&record).unwrap()))
}

pub(super) fn device(name: &str, mac: u8) -> Efa {
    Efa {
        name: name.to_owned(),
        pci_address: Some(format!("0000:4f:{mac:02x}.0")),
        mac: Some(format!("0a:00:00:00:00:{mac:02x}")),
        ..Efa::default()
    }
}

pub(super) fn machine() -> Health {
    let eni = |mac: u8| Eni {
        mac: format!("0a:00:00:00:00:{mac:02x}"),
        eni_id: format!("eni-{mac}"),
        network_card: u32::from(mac),
        ..Eni::default()
    };
    let enis = Some(vec![eni(0), eni(1)]);
    let mut health =
        Health::new(Setup { efa: Expected::new(Some(2), None, enis.as_deref()), enis, ..Setup::default() });
    let devices = vec![device("rdmap79s0", 0), device("rdmap79s1", 1)];
    let module = Some(crate::efa::Module::default());
    health.see(at(0), Seen::Efa(Box::new(Observation { module, devices, ..Observation::default() })));
    health.see(at(0), sweep(vec![gpu(0), gpu(1)]));
    assert!(health.findings().is_empty(), "{:?}", health.findings());
    health
}

pub(super) fn found(health: &Health) -> Vec<String> {
    health.findings().iter().map(|finding| format!("{} {}", finding.code, finding.subject.id())).collect()
}

#[test]
fn a_fatal_xid_stands_until_the_driver_takes_it_back() {
    let mut health = machine();
    health.known.gpus = GPUS.map(bus_gpu).into();
    let wants =
        health.see(at(1), line("NVRM: Xid (PCI:0000:64:00): 119, pid=7, name=python, Timeout after 45s"));
    assert!(wants.sweep);
    assert_eq!(found(&health), ["Xid119 0000:64:00.0"]);
    health.see(at(11), sweep(vec![gpu(0), gpu(1)]));
    assert_eq!(found(&health), ["Xid119 0000:64:00.0"], "a look that shows nothing proves nothing");
    let asks = Gpu { recovery_action: Value(1), ..gpu(1) };
    health.see(at(21), sweep(vec![gpu(0), asks]));
    assert_eq!(found(&health), ["GpuResetRequired 0000:64:00.0", "Xid119 0000:64:00.0"]);
    health.see(at(31), sweep(vec![gpu(0), gpu(1)]));
    assert!(found(&health).is_empty(), "the driver asks for nothing any more: {:?}", found(&health));
}

fn bus_gpu(address: &str) -> GpuPci {
    let driver = Some("nvidia".to_owned());
    GpuPci {
        address: address.to_owned(),
        device_id: 0x2330,
        driver,
        numa_node: None,
        power: crate::gpu_pci::Power::default(),
    }
}

#[test]
fn what_a_later_line_explains_is_no_finding_any_more() {
    let mut health = machine();
    health.known.gpus = GPUS.map(bus_gpu).into();
    health.see(
        at(1),
        line("NVRM: Xid (PCI:0000:53:00): 74, pid='<unknown>', name=<unknown>, NVLink: fatal error"),
    );
    assert_eq!(found(&health), ["Xid74 0000:53:00.0"]);
    health.see(
        at(2),
        line("NVRM: Xid (PCI:0000:64:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."),
    );
    assert_eq!(found(&health), ["Xid79 0000:64:00.0"], "a lost GPU takes the links of the others down");
}

#[test]
fn a_driver_that_is_loaded_anew_begins_with_well_gpus() {
    let mut health = machine();
    health.known.gpus = GPUS.map(bus_gpu).into();
    health.see(at(1), line("NVRM: Xid (PCI:0000:64:00): 119, pid=7, name=python, Timeout after 45s"));
    health.see(
        at(9),
        line("NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build"),
    );
    assert!(found(&health).is_empty(), "{:?}", found(&health));
}

#[test]
fn a_storm_of_a_programs_errors_condemns_nobody_and_blows_over() {
    let mut health = machine();
    for second in 1..100 {
        health.see(at(second), line("NVRM: Xid (PCI:0000:64:00): 31, pid=7, name=python, Ch 00000008"));
    }
    let findings = health.findings();
    assert_eq!((findings.len(), findings[0].severity), (1, crate::Severity::Info));
    assert_eq!(health.take_changes().len(), 1, "one change, however many lines");
    health.tick(at(800));
    assert!(found(&health).is_empty());
}

#[test]
fn a_hang_leaves_what_is_known_of_the_others() {
    let mut health = machine();
    let pending = Gpu {
        remap: Value(gpunode_probe_protocol::gpu::Remap { pending: true, ..Default::default() }),
        ..gpu(0)
    };
    health.see(at(1), sweep(vec![pending.clone(), gpu(1)]));
    let stuck = Stuck {
        call: "nvmlDeviceGetTemperature".into(),
        pci: Some(GPUS[1].into()),
        index: Some(1),
        for_ms: 900,
    };
    let gpus = vec![GpuEntry::Read(Box::new(pending))];
    health.see(at(11), Seen::Gpus(Ok(Box::new(Sweep { gpus, stuck: Some(stuck), ..Sweep::default() }))));
    assert_eq!(found(&health), ["GpuHangs 0000:64:00.0", "GpuRemapPending 0000:53:00.0"]);
    let skipped = GpuEntry::Skipped { index: 1, pci: Some(GPUS[1].into()) };
    let gpus = vec![GpuEntry::Read(Box::new(gpu(0))), skipped];
    health.see(at(15), Seen::Gpus(Ok(Box::new(Sweep { gpus, ..Sweep::default() }))));
    assert_eq!(found(&health), ["GpuHangs 0000:64:00.0"], "it is left out because it hangs");
    health.see(at(21), sweep(vec![gpu(0), gpu(1)]));
    assert!(found(&health).is_empty());
}

#[test]
fn a_call_that_was_not_waited_for_is_no_finding_and_hides_no_other_gpu() {
    let mut health = machine();
    health.known.gpus = GPUS.map(bus_gpu).into();
    let pending = gpunode_probe_protocol::gpu::Remap { pending: true, ..Default::default() };
    let read = vec![GpuEntry::Read(Box::new(Gpu { remap: Value(pending), ..gpu(0) }))];
    for (pci, index) in [(Some(GPUS[1].into()), Some(1)), (None, Some(1)), (None, None)] {
        let stuck = Stuck { call: "nvmlDeviceGetTemperature".into(), pci, index, for_ms: 90 };
        let brief = Sweep { gpus: read.clone(), stuck: Some(stuck), ..Sweep::default() };
        health.see(at(11), Seen::GpusInBrief(Box::new(brief)));
        assert_eq!(found(&health), ["GpuRemapPending 0000:53:00.0"]);
    }
}

#[test]
fn a_gpu_that_hung_stays_one_and_keeps_its_findings_until_it_answers() {
    let mut health = machine();
    health.known.gpus = GPUS.map(bus_gpu).into();
    let remap = |index| {
        let pending = gpunode_probe_protocol::gpu::Remap { pending: true, ..Default::default() };
        Gpu { remap: Value(pending), ..gpu(index) }
    };
    health.see(at(1), sweep(vec![remap(0), remap(1)]));
    // Its handle hangs, so that not even the address is said: it is the one that nobody else is.
    let stuck =
        Stuck { call: "nvmlDeviceGetHandleByIndex_v2".into(), pci: None, index: Some(1), for_ms: 900 };
    let gpus = vec![GpuEntry::Read(Box::new(remap(0)))];
    health.see(at(11), Seen::Gpus(Ok(Box::new(Sweep { gpus, stuck: Some(stuck), ..Sweep::default() }))));
    let hangs = ["GpuHangs 0000:64:00.0", "GpuRemapPending 0000:53:00.0", "GpuRemapPending 0000:64:00.0"];
    assert_eq!(found(&health), hangs);
    for second in [21, 31] {
        let gpus = vec![GpuEntry::Read(Box::new(gpu(0))), GpuEntry::Skipped { index: 1, pci: None }];
        health.see(at(second), Seen::Gpus(Ok(Box::new(Sweep { gpus, ..Sweep::default() }))));
        assert_eq!(found(&health), [hangs[0], hangs[2]], "what is left out of a look has not gone");
    }
    health.see(at(41), Seen::Probe(Trouble::Ended("signal 11".into())));
    assert!(found(&health).contains(&hangs[0].to_owned()));
    health.see(at(51), sweep(vec![gpu(0), gpu(1)]));
    assert!(found(&health).is_empty(), "{:?}", found(&health));
}

#[test]
fn a_probe_in_trouble_leaves_the_findings_and_marks_them() {
    let mut health = machine();
    let lost = Gpu { failures: vec![("nvmlDeviceGetTemperature".into(), 15)], ..gpu(0) };
    health.see(at(1), sweep(vec![lost, gpu(1)]));
    health.see(at(11), Seen::Probe(Trouble::Ended("signal 11".into())));
    let stale: Vec<_> = health.findings().iter().map(|finding| (finding.code, finding.stale)).collect();
    assert_eq!(stale, [("GpuLost", true), ("GpuProbeCrashed", false)]);
    assert_eq!(health.silent_sources().collect::<Vec<_>>(), [&Source::Gpus]);
}

#[test]
fn what_stood_when_the_program_ended_stands_when_it_begins_again() {
    let mut health = machine();
    health.known.gpus = GPUS.map(bus_gpu).into();
    health.see(at(1), line("NVRM: Xid (PCI:0000:64:00): 119, pid=7, name=python, Timeout after 45s"));
    let saved = || serde_json::from_str(&serde_json::to_string(&health.save("boot 1")).unwrap()).unwrap();
    let again = Health::restore(Setup::default(), saved(), "boot 1");
    assert_eq!(found(&again), ["Xid119 0000:64:00.0"]);
    assert!(found(&Health::restore(Setup::default(), saved(), "boot 2")).is_empty());
}
