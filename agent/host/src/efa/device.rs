//! One EFA device, as sysfs shows it, and all of them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::p2p::P2p;
use super::rate::parse_rate;
use super::{DEVICES, VENDOR, gid, hex, join, mac_of_gid, text};
use crate::rdma;
use crate::root::ReadError;
use crate::{Dir, Root};

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
    /// [`rate_shown`](super::rate_shown); drivers before 2.13 say 100 for every card.
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

/// Every EFA device, by PCI address. Other RDMA devices (Mellanox, soft RoCE) are left out.
///
/// # Errors
/// It cannot be seen what there is.
pub fn devices(root: &Root) -> Result<Vec<Efa>, ReadError> {
    let mut devices = Vec::new();
    for name in rdma::names(root)? {
        devices.extend(read(root, &name)?);
    }
    finish(root, &mut devices);
    Ok(devices)
}

/// What is known only of all together: their driver's version, their network devices, and their order.
pub(super) fn finish(root: &Root, devices: &mut [Efa]) {
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
///
/// # Errors
/// It cannot be seen what there is. A device that goes meanwhile is none.
pub fn names(root: &Root) -> Result<Vec<String>, ReadError> {
    let mut names = Vec::new();
    for name in rdma::names(root)? {
        let pci = root.dir_if_there(format!("{}/{name}/device", rdma::CLASS))?;
        let is_efa = |pci: Dir<'_>| pci.link("driver").as_deref() == Some("efa") || identity(&pci).is_some();
        if pci.is_some_and(is_efa) {
            names.push(name);
        }
    }
    Ok(names)
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
pub(super) fn read(root: &Root, name: &str) -> Result<Option<Efa>, ReadError> {
    let folder = root.dir_if_there(format!("{}/{name}", rdma::CLASS))?;
    let pci = root.dir_if_there(format!("{}/{name}/device", rdma::CLASS))?;
    Ok(folder.zip(pci).and_then(|(folder, pci)| of_folders(name, &folder, &pci)))
}

fn of_folders(name: &str, folder: &Dir<'_>, pci: &Dir<'_>) -> Option<Efa> {
    let Identity { device_id, driver } = identity(pci)?;
    let gids = gid::table(folder);
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
        name: name.to_owned(),
    })
}
