//! Reports of machines with one GPU and two EFA interfaces, of which the second has no device in the sick one.

use std::time::Duration;

use gpunode_probe_protocol::Reading::Value;
use gpunode_probe_protocol::fabric::{Endpoint, Interfaces};
use gpunode_probe_protocol::gpu::{Entry, Gpu as Nvml, Link, Memory, Sweep};
use gpunode_probe_protocol::library::Unusable;

use super::*;
use crate::efa::counters::{Counter, Counters};
use crate::efa::{Efa as Device, Expected, Observation, PortReading};
use crate::gpu_pci::{GpuPci, Power};
use crate::health::fixtures::listed;
use crate::health::judge::Expect;
use crate::health::{Now, Port, Seen, Setup};
use crate::metadata::Eni;
use crate::versions::{By, Driver, DriverBuild, Found, Versions};

pub(super) const GPU: &str = "0000:53:00.0";
pub(super) const NOW: Now = Now { boot: Duration::from_secs(60), unix_ms: 1_700_000_000_000 };

fn eni(card: u32) -> Eni {
    let mac = format!("0a:00:00:00:00:0{card}");
    Eni { mac, eni_id: format!("eni-{card}"), network_card: card, ..Eni::default() }
}

fn efa(card: u32) -> Device {
    Device {
        name: format!("rdmap{card}s0"),
        pci_address: Some(format!("0000:0{card}:00.0")),
        mac: Some(format!("0a:00:00:00:00:0{card}")),
        rate_gbps: Some(200),
        ..Device::default()
    }
}

pub(super) fn machine(devices: u32) -> Health {
    let enis = vec![eni(0), eni(1)];
    let expect = Expect { gpus: Some(1), ..Expect::default() };
    let efa_expected = Expected::new(Some(2), None, Some(&enis));
    let mut health = Health::at_once(Setup { expect, efa: efa_expected, enis: Some(enis) });
    let gpu = GpuPci {
        address: GPU.into(),
        device_id: 0x2330,
        driver: Some("nvidia".into()),
        numa_node: None,
        power: Power::default(),
    };
    let found = Found {
        version: "580.95.05".parse().unwrap(),
        path: "/proc/driver/nvidia/version".into(),
        by: By::Text,
    };
    let nvidia = Some(Driver { found, build: Some(DriverBuild::Open), any_topology: None });
    health.see(NOW, Seen::Versions(Box::new(Versions { nvidia, ..Versions::default() })));
    health.see(NOW, Seen::GpuBus { gpus: vec![gpu], hardware: vec![None], nvswitches: Vec::new() });
    let devices: Vec<_> = (0..devices).map(efa).collect();
    let names: Vec<_> = devices.iter().map(|device| device.name.clone()).collect();
    let module = Some(crate::efa::Module::default());
    health.see(NOW, Seen::Efa(Box::new(Observation { module, devices, ..Observation::default() })));
    for name in names {
        let mut counters = Counters::default();
        counters.set(Counter::TxBytes, 7);
        let what = Port::Read(Box::new(PortReading { counters, ..PortReading::default() }));
        health.see(NOW, Seen::EfaPort { device: name.into(), what });
    }
    health
}

fn sweep() -> Seen {
    let gpu = Nvml {
        pci: GPU.into(),
        uuid: Value("GPU-1".into()),
        memory: Value(Memory { total: 80 << 30, used: 1 << 30, free: 79 << 30 }),
        recovery_action: Value(0),
        links: vec![Link { active: Value(true), ..Link::default() }],
        ..Nvml::default()
    };
    let gpus = vec![Entry::Read(Box::new(gpu))];
    Seen::Gpus(Ok(Box::new(Sweep { count: Value(1), gpus, ..Sweep::default() })))
}

pub(super) fn report(health: &Health, nvml: SourceState) -> Report {
    let port = |card: u32| (Source::EfaPort(format!("0000:0{card}:00.0")), SourceState::Answered);
    let sources = [
        (Source::GpuBus, SourceState::Answered),
        (Source::Gpus, nvml),
        (Source::EfaDevices, SourceState::Answered),
        (Source::Libfabric, SourceState::NotNeeded("libfabric is not installed".into())),
        (Source::KernelLog, SourceState::Answered),
        port(0),
        port(1),
    ];
    let machine = Machine { time_unix_ms: NOW.unix_ms, ..Machine::default() };
    Report::new(health, sources.iter().map(|(source, state)| (source, state.clone())), machine)
}

pub(super) fn healthy() -> Report {
    let mut health = machine(2);
    health.see(NOW, sweep());
    let entries = vec![
        listed("rdmap0s0", Endpoint::Rdm),
        listed("rdmap0s0", Endpoint::Dgram),
        listed("rdmap1s0", Endpoint::Rdm),
        listed("rdmap1s0", Endpoint::Dgram),
    ];
    let interfaces = Interfaces { version: (2, 1), entries, ..Interfaces::default() };
    health.see(NOW, Seen::Libfabric(Ok(interfaces)));
    report(&health, SourceState::Answered)
}

pub(super) fn sick() -> Report {
    let mut health = machine(1);
    health.see(NOW, sweep());
    report(&health, SourceState::Answered)
}

#[test]
fn a_healthy_machine_has_every_device_once() {
    let report = healthy();
    assert_eq!((report.verdict, report.findings.len()), (Verdict::Healthy, 0), "{:?}", report.findings);
    let [gpu] = &report.gpus[..] else { panic!("{:?}", report.gpus) };
    assert_eq!((gpu.pci.as_deref(), gpu.state, gpu.standing), (Some(GPU), GpuState::Read, Standing::Ok));
    let nvlinks = gpu.nvlinks.as_ref().map(|links| (links.active, links.total, links.links.len()));
    assert_eq!((gpu.driver.as_deref(), nvlinks), (Some("nvidia"), Some((1, 1, 1))));
    let cards: Vec<_> = report.efa.iter().map(|efa| (efa.network_card, efa.tx_bytes, efa.standing)).collect();
    assert_eq!(cards, [(Some(0), Some(7), Standing::Ok), (Some(1), Some(7), Standing::Ok)]);
    assert_eq!((report.expected.gpus, report.expected.efa), (Some(1), Some(2)));
    assert_eq!(report.efa[0].counters.get("tx_bytes"), Some(&7));
    assert_eq!(report.efa[0].libfabric, Some(Listed { rdm: true, dgram: true }));
    assert_eq!(report.versions.libfabric.as_deref(), Some("2.1"));
}

#[test]
fn an_interface_without_a_device_is_a_row_with_its_error() {
    let report = sick();
    assert_eq!(report.verdict, Verdict::Unhealthy);
    let absent: Vec<_> = report.efa.iter().filter(|efa| efa.state == EfaState::Absent).collect();
    let [absent] = &absent[..] else { panic!("{:?}", report.efa) };
    assert_eq!((absent.eni.as_deref(), absent.standing), (Some("eni-1"), Standing::Error));
}

#[test]
fn what_did_not_answer_outweighs_a_warning_and_not_an_error() {
    let mut health = machine(2);
    let why = Unusable::NotInstalled { message: "no libnvidia-ml.so.1".into() };
    health.see(NOW, Seen::Gpus(Err(why)));
    let gone = SourceState::NotAvailable("no libnvidia-ml.so.1".into());
    let unknown = report(&health, gone.clone());
    assert_eq!(unknown.verdict, Verdict::Unknown, "{:?}", unknown.findings);
    assert_eq!(unknown.unknown, ["NVML: no libnvidia-ml.so.1"]);
    assert_eq!((unknown.gpus[0].state, unknown.gpus[0].standing), (GpuState::BusOnly, Standing::Unknown));
    let mut health = machine(1);
    health.see(NOW, Seen::Gpus(Err(Unusable::NotInstalled { message: String::new() })));
    assert_eq!(report(&health, gone).verdict, Verdict::Unhealthy);
}

#[test]
fn a_machine_without_gpus_or_efa_needs_neither_nvml_nor_the_kernel_log() {
    let health = Health::at_once(Setup::default());
    let gone = SourceState::NotAvailable("not there".into());
    let sources = [(&Source::Gpus, gone.clone()), (&Source::KernelLog, gone)];
    let report = Report::new(&health, sources, Machine::default());
    assert_eq!((report.verdict, report.gpus.len(), report.efa.len()), (Verdict::Healthy, 0, 0));
}
