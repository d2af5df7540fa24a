//! Which EFA devices are there, and how they are set up.

#[cfg(test)]
mod tests;

use crate::efa::{Attached, Expected, FunctionState, Join, Observation, P2p};
use crate::health::{EfaName, Sighting, Subject, rules};

/// What matters of the NVIDIA driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nvidia {
    /// Its major version, where it is loaded.
    pub major: Option<u32>,
    /// Whether its kernel modules are the open ones, through which EFA reaches GPU memory as dma-buf.
    pub open: bool,
    /// Whether the machine is one of an UltraServer's (p6e), where EFA cards do not hang where the driver wants them.
    pub ultra_server: bool,
    /// Whether the driver lends GPU memory to cards wherever they hang; `None` where it does not tell.
    pub any_topology: Option<bool>,
}

/// From this NVIDIA driver on, [`EFA_FOR_R580`] is needed (EFA driver release notes, 2.17.3).
const R580: u32 = 580;
const EFA_FOR_R580: (u32, u32, u32) = (2, 17, 3);
/// This NVIDIA driver lets EFA reach GPU memory only where both hang on one PCI root or the card is in an IOMMU group,
/// which is neither on p6e; drivers before have an option against it (`NVreg_GrdmaPciTopoCheckOverride`). Later branches are not known
/// to. Source: release notes of the data-centre driver 595.91.07, and NVIDIA/aicr issue 2383, where two
/// `p6e-gb300r.36xlarge` fail with 595.91.07 and work with 580.173.02.
const R595: u32 = 595;

/// Every name of an attached device.
pub fn name(attached: &Attached) -> EfaName {
    let efa = &attached.efa;
    EfaName {
        pci: efa.pci_address.clone().unwrap_or_default(),
        device: Some(efa.name.clone()),
        eni: attached.eni.as_ref().map(|eni| eni.eni_id.clone()),
        mac: efa.mac.clone(),
        network_card: attached.network_card(),
    }
}

/// The signs.
pub fn judge(seen: &Observation, join: &Join, expected: &Expected, nvidia: Nvidia) -> Vec<Sighting> {
    let mut sightings = count(seen, join, expected);
    if seen.module.is_none() && !seen.functions.is_empty() {
        let message = format!("{} EFA functions on the PCI bus and no /sys/module/efa", seen.functions.len());
        sightings.push(Sighting::new(&rules::EFA_DRIVER_ABSENT, Subject::Node, message));
    } else {
        sightings.extend(not_bound(seen));
    }
    sightings.extend(pair(seen, nvidia));
    sightings.extend(topology(seen, nvidia));
    let fastest = join.devices.iter().filter_map(|device| device.efa.rate_gbps).max();
    for device in &join.devices {
        let subject = Subject::Efa(name(device));
        if let (Some(rate), Some(fastest)) = (device.efa.rate_gbps, fastest)
            && rate < fastest
        {
            let message = format!("its rate is {rate} Gbit/s, that of others {fastest}");
            sightings.push(Sighting::new(&rules::EFA_RATE_LOW, subject.clone(), message));
        }
        if nvidia.major.is_some() && !nvidia.open && device.efa.p2p == P2p::None {
            let message = "the EFA driver has no provider of GPU memory";
            sightings.push(Sighting::new(&rules::EFA_NO_GPUDIRECT, subject, message));
        }
    }
    sightings
}

fn count(seen: &Observation, join: &Join, expected: &Expected) -> Vec<Sighting> {
    // Functions without a driver are there, and have a finding of their own.
    let there = seen.functions.len().max(seen.devices.len());
    let mut sightings: Vec<_> = absent(seen, join).collect();
    let named = sightings.len();
    let Some(count) = expected.count().and_then(|count| usize::try_from(count).ok()) else {
        return sightings;
    };
    // Where each missing one has its own finding, the number says nothing more.
    if there + named < count {
        let message = format!("{there} of {count} EFA interfaces are there");
        sightings.push(Sighting::new(&rules::EFA_MISSING, Subject::Node, message));
    }
    sightings
}

/// Interfaces that can only be EFA and have no device. While some functions have no driver nobody can tell which
/// interface each is.
fn absent<'a>(seen: &'a Observation, join: &'a Join) -> impl Iterator<Item = Sighting> + 'a {
    // Nor while a device has not said its address yet.
    let said = |device: &Attached| device.efa.mac.is_some() || !seen.late.contains(&device.efa.name);
    let all_known = seen.functions.len() <= join.devices.len() && join.devices.iter().all(said);
    join.others.iter().filter(move |eni| all_known && eni.has_no_address()).map(|eni| {
        let name = EfaName {
            eni: Some(eni.eni_id.clone()),
            mac: Some(eni.mac.clone()),
            network_card: Some(eni.network_card),
            ..EfaName::default()
        };
        Sighting::new(
            &rules::EFA_ABSENT,
            Subject::Efa(name),
            "attached, and no EFA device has its MAC address",
        )
    })
}

fn not_bound(seen: &Observation) -> impl Iterator<Item = Sighting> + '_ {
    seen.functions.iter().filter_map(|function| {
        let message = match &function.state {
            FunctionState::Ready { .. } => return None,
            // Handed to a virtual machine, or to a program that drives it by itself.
            FunctionState::NoRdmaDevice { driver } if driver == "vfio-pci" => return None,
            FunctionState::NoRdmaDevice { driver } => {
                format!("{driver} holds it and made no RDMA device of it")
            }
            FunctionState::NotBound => "no driver holds it".to_owned(),
        };
        Some(Sighting::new(&rules::EFA_NOT_BOUND, Subject::efa(&function.address), message))
    })
}

fn pair(seen: &Observation, nvidia: Nvidia) -> Option<Sighting> {
    let module = seen.module.as_ref()?;
    let major = nvidia.major.filter(|major| *major >= R580)?;
    if major == R595 && nvidia.ultra_server {
        let message = "NVIDIA driver 595 lets EFA reach no GPU memory on p6e".to_owned();
        return Some(Sighting::new(&rules::EFA_DRIVER_PAIR, Subject::Node, message));
    }
    let version = module.version.as_deref()?;
    if parse(version)? >= EFA_FOR_R580 {
        return None;
    }
    let message = format!("NVIDIA driver {major} with EFA driver {version}");
    Some(Sighting::new(&rules::EFA_DRIVER_PAIR, Subject::Node, message))
}

/// Without the option NCCL falls back to sockets, and nobody says a word but the kernel. Source: NVIDIA/aicr,
/// documentation of its validation on p6e.
fn topology(seen: &Observation, nvidia: Nvidia) -> Option<Sighting> {
    let major = nvidia.major.filter(|major| *major < R595)?;
    let checks = nvidia.ultra_server && nvidia.any_topology == Some(false) && !seen.functions.is_empty();
    let message = || format!("NVIDIA driver {major} runs without NVreg_GrdmaPciTopoCheckOverride=1");
    checks.then(|| Sighting::new(&rules::EFA_TOPOLOGY_CHECK, Subject::Node, message()))
}

/// `2.17.3g`: the letter says that it was built apart from the kernel.
fn parse(version: &str) -> Option<(u32, u32, u32)> {
    let mut parts = version.trim_end_matches(|c: char| c.is_ascii_alphabetic()).split('.');
    let mut next = || parts.next()?.parse().ok();
    Some((next()?, next()?, next().unwrap_or(0)))
}
