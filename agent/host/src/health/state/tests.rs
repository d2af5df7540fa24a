//! Faults, one after the other, on a machine with two GPUs and two EFA interfaces.

use std::time::Duration;

use gpunode_probe_protocol::Reading::Value;
use gpunode_probe_protocol::gpu::{Entry as GpuEntry, Gpu, Stuck};
use gpunode_probe_protocol::reading::Reading;

use super::*;
use crate::efa::Efa;
use crate::efa::counters::{Counter, Counters};
use crate::kernel_log::{Parser, Record, Speakers};

const GPUS: [&str; 2] = ["0000:53:00.0", "0000:64:00.0"];

fn at(seconds: u64) -> Now {
    Now { boot: Duration::from_secs(seconds), unix_ms: seconds * 1000 }
}

fn gpu(index: u32) -> Gpu {
    Gpu { index, pci: GPUS[index as usize].to_owned(), recovery_action: Value(0), ..Gpu::default() }
}

fn sweep(gpus: Vec<Gpu>) -> Seen {
    let gpus = gpus.into_iter().map(|gpu| GpuEntry::Read(Box::new(gpu))).collect();
    Seen::Gpus(Ok(Box::new(Sweep { gpus, ..Sweep::default() })))
}

fn line(text: &str) -> Seen {
    let text = format!("4,1,1,-;{text}\n");
    let record = Record::parse(text.as_bytes()).unwrap();
    Seen::Kernel(Box::new(Parser::new(Speakers::Kernel).parse(&record).unwrap()))
}

fn device(name: &str, mac: u8) -> Efa {
    Efa {
        name: name.to_owned(),
        pci_address: Some(format!("0000:4f:{mac:02x}.0")),
        mac: Some(format!("0a:00:00:00:00:{mac:02x}")),
        ..Efa::default()
    }
}

fn machine() -> Health {
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

fn found(health: &Health) -> Vec<String> {
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

fn port(change: impl Fn(&mut Counters)) -> Seen {
    let mut counters = Counters::default();
    for counter in [Counter::TxBytes, Counter::RxBytes, Counter::TxPkts, Counter::RxPkts, Counter::RxDrops] {
        counters.set(counter, 1000);
    }
    change(&mut counters);
    let reading = PortReading { counters, ..PortReading::default() };
    Seen::EfaPort { device: "rdmap79s1".into(), what: Port::Read(Box::new(reading)) }
}

#[test]
fn drops_count_by_their_rate_and_not_by_their_total() {
    let mut health = machine();
    health.see(at(10), port(|counters| counters.set(Counter::RxDrops, 9_000_000)));
    health.see(at(20), port(|counters| counters.set(Counter::RxDrops, 9_000_000)));
    assert!(found(&health).is_empty());
    for look in 3..6 {
        health.see(at(look * 10), port(|counters| counters.set(Counter::RxDrops, 9_000_000 + look * 5000)));
    }
    assert!(found(&health).is_empty(), "not for 25 s yet");
    health.see(at(60), port(|counters| counters.set(Counter::RxDrops, 9_000_000 + 6 * 5000)));
    assert_eq!(found(&health), ["EfaDrops 0000:4f:01.0"]);
    let findings = health.findings();
    assert_eq!(findings[0].subject.to_string(), "EFA rdmap79s1 (eni-1, network card 1, 0000:4f:01.0)");
}

#[test]
fn a_card_that_does_not_answer_is_a_finding_until_it_answers() {
    let mut health = machine();
    let stalled = Port::Stalled(Duration::from_secs(2));
    health.see(at(2), Seen::EfaPort { device: "rdmap79s1".into(), what: stalled });
    assert_eq!(found(&health), ["EfaUnresponsive 0000:4f:01.0"]);
    let failure = PortFailure { path: String::new(), errno: Some(19), message: String::new() };
    health.see(at(30), Seen::EfaPort { device: "rdmap79s1".into(), what: Port::Failed(failure) });
    assert_eq!(found(&health), ["EfaQueueClosed 0000:4f:01.0"]);
    health.see(at(40), port(|_| {}));
    assert!(found(&health).is_empty());
}

#[test]
fn a_missing_interface_is_named_by_its_eni() {
    let mut health = machine();
    let one = |second| {
        let seen = Observation { devices: vec![device("rdmap79s0", 0)], ..Observation::default() };
        (at(second), Seen::Efa(Box::new(Observation { module: Some(crate::efa::Module::default()), ..seen })))
    };
    for second in [10, 20] {
        let (now, seen) = one(second);
        health.see(now, seen);
    }
    assert_eq!(found(&health), ["EfaAbsent eni-1"]);
}

#[test]
fn idle_efa_under_load_is_told_only_after_ten_minutes() {
    let mut health = machine();
    let busy = |index| {
        let utilisation = Reading::Value(gpunode_probe_protocol::gpu::Utilisation { gpu: 98, memory: 40 });
        Gpu { utilisation, ..gpu(index) }
    };
    health.see(at(1), sweep(vec![busy(0), busy(1)]));
    health.see(at(1), Seen::EfaHeld(Some(true)));
    for look in 0..61 {
        health.see(at(10 + look * 10), port(|_| {}));
        assert!(found(&health).is_empty(), "{look}");
    }
    health.see(at(10 + 61 * 10), port(|_| {}));
    assert_eq!(found(&health), ["EfaIdle "]);
    health.see(at(630), port(|counters| counters.set(Counter::TxBytes, 5000)));
    assert!(found(&health).is_empty());
}
