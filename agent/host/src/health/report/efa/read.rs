//! From what the sources said to a row.

use std::collections::BTreeMap;

use gpunode_probe_protocol::fabric::{Endpoint, Interfaces};

use super::{Efa, EfaState, Listed};
use crate::efa::counters::Counter;
use crate::efa::{Attached, FunctionState, P2p};
use crate::health::report::{SourceName, SourceReport, Standing};
use crate::health::{EfaName, Kind, Known, Libfabric, Present, Subject};
use crate::metadata::Eni;

/// Every interface, by network card, then by PCI address.
pub(in crate::health::report) fn all(
    known: &Known,
    findings: &[Present],
    sources: &[SourceReport],
) -> Vec<Efa> {
    let devices = known.attached().map(|attached| device(known, attached));
    let functions = known.efa.iter().flat_map(|efa| &efa.functions);
    // A device whose function has lost its driver is on its own row already.
    let has_device =
        |pci: &str| known.attached().any(|attached| attached.efa.pci_address.as_deref() == Some(pci));
    let functions = functions.filter(|function| !has_device(&function.address));
    let without_device = functions.filter_map(|function| {
        let (state, driver) = match &function.state {
            FunctionState::Ready { .. } => return None,
            FunctionState::NoRdmaDevice { driver } => (EfaState::NoRdmaDevice, Some(driver.clone())),
            FunctionState::NotBound => (EfaState::NotBound, None),
        };
        Some(Efa { pci: Some(function.address.clone()), state, driver, ..Efa::default() })
    });
    let absent =
        known.join.iter().flat_map(|join| &join.others).filter(|eni| eni.has_no_address()).map(interface);
    let mut all: Vec<_> = devices.chain(without_device).chain(absent).collect();
    for efa in &mut all {
        let id = Subject::Efa(EfaName {
            pci: efa.pci.clone().unwrap_or_default(),
            device: efa.device.clone(),
            eni: efa.eni.clone(),
            mac: efa.mac.clone(),
            network_card: efa.network_card,
        });
        let asked = efa.state == EfaState::Ready && answers(sources, id.id());
        efa.standing = Standing::new(findings, Kind::Efa, id.id(), asked);
    }
    all.sort_by(|a, b| {
        (a.network_card.unwrap_or(u32::MAX), &a.pci).cmp(&(b.network_card.unwrap_or(u32::MAX), &b.pci))
    });
    all
}

/// Only the card's counters ask the card itself.
fn answers(sources: &[SourceReport], pci: &str) -> bool {
    let of =
        |source: &&SourceReport| source.name == SourceName::EfaPort && source.pci.as_deref() == Some(pci);
    sources.iter().find(of).is_some_and(|source| source.state.is_good())
}

fn device(known: &Known, attached: &Attached) -> Efa {
    let efa = &attached.efa;
    let port = known.port_counters.get(&efa.name);
    let counter = |counter| port.and_then(|counters| counters.get(counter));
    Efa {
        pci: efa.pci_address.clone(),
        state: EfaState::Ready,
        network_card: attached.network_card(),
        eni: attached.eni.as_ref().map(|eni| eni.eni_id.clone()),
        mac: efa.mac.clone(),
        kind: attached.kind(),
        netdev: efa.netdev.clone(),
        uverbs: efa.uverbs.clone(),
        numa_node: efa.numa_node,
        rate_gbps: efa.rate_gbps,
        driver: efa.driver.clone(),
        driver_version: efa.driver_version.clone(),
        firmware: efa.firmware.clone(),
        libfabric: match &known.libfabric {
            Libfabric::Lists(listed) => Some(endpoints(listed, &efa.name)),
            Libfabric::Unknown | Libfabric::Unusable(_) => None,
        },
        tx_bytes: counter(Counter::TxBytes),
        rx_bytes: counter(Counter::RxBytes),
        rx_drops: counter(Counter::RxDrops),
        retransmitted_packets: counter(Counter::RetransPkts),
        gids: efa.gids.clone(),
        gpu_direct: match &efa.p2p {
            P2p::Unknown => None,
            P2p::None => Some(String::new()),
            P2p::Provider(name) => Some(name.clone()),
        },
        counters: counters(known, &efa.name),
        device: Some(efa.name.clone()),
        standing: Standing::default(),
    }
}

/// Of the device and of its port.
fn counters(known: &Known, device: &str) -> BTreeMap<String, u64> {
    let read = [&known.device_counters, &known.port_counters].into_iter().filter_map(|all| all.get(device));
    let named = read.flat_map(|counters| {
        let ours = counters.iter().map(|(counter, value)| (counter.name().to_owned(), value));
        ours.chain(counters.extra().iter().cloned())
    });
    named.collect()
}

fn endpoints(listed: &Interfaces, device: &str) -> Listed {
    let has = |endpoint| listed.entries.iter().any(|e| e.device == device && e.endpoint == endpoint);
    Listed { rdm: has(Endpoint::Rdm), dgram: has(Endpoint::Dgram) }
}

/// An interface that is EFA for certain and has no device.
fn interface(eni: &Eni) -> Efa {
    Efa {
        network_card: Some(eni.network_card),
        eni: Some(eni.eni_id.clone()),
        mac: Some(eni.mac.clone()),
        kind: Some(crate::efa::InterfaceKindSeen::EfaOnly),
        ..Efa::default()
    }
}
