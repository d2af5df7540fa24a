//! EFA devices as the kernel shows them, on the PCI bus and as RDMA devices, and which network interface each one is.

pub mod counters;
mod device_sampler;
mod expected;
mod folder;
mod gid;
pub mod install;
mod join;
mod observer;
mod once;
mod p2p;
mod pci;
mod port_reader;
mod rate;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::rdma::{self, Rdma};
use crate::root::ReadError;
use crate::{Dir, Root};

pub use device_sampler::{DeviceSample, DeviceSampler, SampleState, SamplerApart};
pub use expected::Expected;
pub use folder::{PortFailure, PortReading};
pub use gid::mac_of_gid;
pub use join::{Attached, InterfaceKindSeen, Join, join};
pub use observer::Observer;
pub use once::{DeviceCounters, PortCounters, Reading, answers_now, counters_once};
pub use p2p::P2p;
pub use pci::{EfaFunction, FunctionState};
pub use port_reader::{PortEvent, PortReaders};
pub use rate::{parse_rate, rate_shown};

/// Amazon's PCI vendor id.
const VENDOR: u32 = 0x1d0f;
/// Device ids of EFA cards. The driver's table (`efa_main.c`) has 0xefa0 to 0xefa4 so far (the last since 3.3.0), one for each generation.
const DEVICES: std::ops::RangeInclusive<u32> = 0xefa0..=0xefaf;

/// One EFA device. What sysfs does not say is `None`; a device that is half gone still shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Efa {
    /// The RDMA device, for example `rdmap79s0`.
    pub name: String,
    /// Domain, bus, device and function, for example `0000:4f:00.0`.
    pub pci_address: Option<String>,
    /// PCI device id, 0xefa0 to 0xefa4.
    pub device_id: Option<u32>,
    /// The kernel driver that holds it; `None` is a device nobody drives.
    pub driver: Option<String>,
    /// The driver's version, for example `2.17.3g`; the driver inside the kernel tree has none.
    pub driver_version: Option<String>,
    /// The card's firmware, where the driver says.
    pub firmware: Option<String>,
    /// The kind of adapter, where the driver says.
    pub hca_type: Option<String>,
    /// The MAC address of its network interface, lower-case with colons, from the first GID. An EFA-only
    /// interface has no network device, so this is the only way to tell which one it is.
    pub mac: Option<String>,
    /// The first GID, as sysfs writes it.
    pub gid: Option<String>,
    /// Every GID that is not zero. The driver's table has one entry.
    pub gids: Vec<String>,
    /// As sysfs writes it; drivers before 2.12 leave it all zero.
    pub node_guid: Option<String>,
    /// For example `4: ACTIVE`. The driver always says so; it proves nothing about the link.
    pub port_state: Option<String>,
    /// The port's rate as sysfs writes it, for example `200 Gb/sec (4X HDR)`.
    pub rate: Option<String>,
    /// The port's rate in Gbit/s. The driver maps the card's speed to the next lower one that RDMA knows, see
    /// [`rate_shown`]; drivers before 2.13 say 100 for every card.
    pub rate_gbps: Option<u32>,
    /// Whether the driver can reach the memory of an accelerator.
    pub p2p: P2p,
    /// The memory node it hangs on; `None` where the machine has only one.
    pub numa_node: Option<u32>,
    /// The character device that programs open, for example `uverbs0`.
    pub uverbs: Option<String>,
    /// The network device with the same MAC address: the interface is EFA with ENA. In a pod without the host's
    /// network there is none to be seen.
    pub netdev: Option<String>,
}

/// All that sysfs says about EFA.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// The EFA kernel module, where it is loaded.
    pub module: Option<Module>,
    /// RDMA devices of EFA, by PCI address.
    pub devices: Vec<Efa>,
    /// PCI functions of EFA, by address, whether or not a driver made an RDMA device of them.
    pub functions: Vec<EfaFunction>,
    /// RDMA devices that are not EFA. One that programs cannot open hides every EFA device from libfabric.
    pub others: Vec<Rdma>,
}

/// The loaded EFA kernel module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Module {
    /// For example `2.17.3g`; `None` for the one inside the kernel tree.
    pub version: Option<String>,
}

/// Looks at everything but the counters, once. Reads no file that asks a card.
///
/// # Errors
/// It cannot be seen what there is.
pub fn observe(root: &Root) -> Result<Observation, ReadError> {
    Observer::new(root.clone()).look()
}

/// Every EFA device, by PCI address. Other RDMA devices (Mellanox, soft RoCE) are left out.
pub fn devices(root: &Root) -> Vec<Efa> {
    let mut devices: Vec<_> =
        rdma::names(root).unwrap_or_default().into_iter().filter_map(|name| read(root, name)).collect();
    finish(root, &mut devices);
    devices
}

/// Every function of EFA cards on the PCI bus, by address; none where the bus cannot be seen.
pub fn functions(root: &Root) -> Vec<EfaFunction> {
    let addresses = pci::Functions::addresses(root).unwrap_or_default();
    pci::Functions::default().look(root, addresses, &devices(root))
}

/// What is known only of all together: their driver's version, their network devices, and their order.
fn finish(root: &Root, devices: &mut [Efa]) {
    if devices.is_empty() {
        return;
    }
    let netdevs = join::netdevs(root);
    let mut versions = BTreeMap::new();
    for device in devices.iter_mut() {
        device.netdev = device.mac.as_ref().and_then(|mac| netdevs.get(mac).cloned());
        let Some(driver) = &device.driver else { continue };
        let path = || format!("{}/{}/device/driver/module/version", rdma::CLASS, device.name);
        let version = versions.entry(driver.clone()).or_insert_with(|| text(root, path()));
        device.driver_version.clone_from(version);
    }
    // Names are no order: rdmap113s0 is before rdmap79s0 by letters.
    devices.sort_by(|one, other| one.pci_address.cmp(&other.pci_address));
}

/// The names of all EFA devices. What the `efa` driver holds is one: it takes no other PCI ids, so they are not read.
pub fn names(root: &Root) -> Vec<String> {
    let is_efa = |name: &String| {
        let pci = root.dir(format!("{}/{name}/device", rdma::CLASS));
        pci.is_ok_and(|pci| pci.link("driver").as_deref() == Some("efa") || identity(&pci).is_some())
    };
    rdma::names(root).unwrap_or_default().into_iter().filter(is_efa).collect()
}

/// What makes a device an EFA device.
struct Identity {
    device_id: Option<u32>,
    driver: Option<String>,
}

/// By its PCI ids; where they cannot be read, by its driver. Never by name: udev renames.
fn identity(pci: &Dir<'_>) -> Option<Identity> {
    let id = |file: &str| pci.value(file).as_deref().and_then(hex);
    let (vendor, device_id) = (id("vendor"), id("device"));
    let driver = pci.link("driver");
    let is_efa = match (vendor, device_id) {
        (Some(vendor), Some(id)) => vendor == VENDOR && DEVICES.contains(&id),
        _ => driver.as_deref() == Some("efa"),
    };
    is_efa.then_some(Identity { device_id, driver })
}

/// The RDMA device of this name; `None` where it is not one of EFA.
fn read(root: &Root, name: String) -> Option<Efa> {
    let folder = root.dir(format!("{}/{name}", rdma::CLASS)).ok()?;
    let pci = root.dir(format!("{}/{name}/device", rdma::CLASS)).ok()?;
    let Identity { device_id, driver } = identity(&pci)?;
    let gids = gid::table(&folder);
    let gid = gids.first().filter(|gid| !gid.is_empty()).cloned();
    let rate = folder.text("ports/1/rate");
    Some(Efa {
        pci_address: folder.link("device"),
        device_id,
        driver,
        driver_version: None,
        firmware: folder.text("fw_ver"),
        hca_type: folder.text("hca_type"),
        mac: gid.as_deref().and_then(mac_of_gid),
        gids: gids.into_iter().filter(|gid| gid::is_set(gid)).collect(),
        gid,
        node_guid: folder.text("node_guid"),
        port_state: folder.text("ports/1/state"),
        rate_gbps: rate.as_deref().and_then(parse_rate),
        rate,
        p2p: P2p::read(|file| pci.value(file)),
        numa_node: pci.value("numa_node").and_then(|node| node.parse().ok()),
        uverbs: pci.list("infiniband_verbs").into_iter().next(),
        netdev: None,
        name,
    })
}

/// The text of a file that says something.
fn text(root: &Root, path: impl AsRef<std::path::Path>) -> Option<String> {
    root.value(path).filter(|text| !text.is_empty())
}

/// The last component of the link at `path`: sysfs points so at drivers and buses.
pub(crate) fn link(root: &Root, path: &str) -> Option<String> {
    let target = root.read_link(path).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}

/// A number as PCI files write it: `0x1d0f`.
pub(crate) fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}
