//! One EFA device, as sysfs shows it.

use serde::Serialize;

use super::p2p::P2p;
use super::rate::parse_rate;
use super::{DEVICES, DRIVER, VENDOR, gid, hex, link, mac_of_gid};
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
    /// A file of it has not come back within the deadline: what is here is what it said before, or its links alone.
    pub stalled: bool,
}

/// The names of all EFA devices. Where a driver holds a device, no file of it is read: `efa` takes no other PCI ids.
///
/// # Errors
/// It cannot be seen what there is. A device that goes meanwhile is none.
pub fn names(root: &Root) -> Result<Vec<String>, ReadError> {
    let mut names = Vec::new();
    for name in rdma::names(root)? {
        let pci = root.dir_if_there(format!("{}/{name}/device", rdma::CLASS))?;
        let is_efa = |pci: Dir<'_>| match pci.link("driver") {
            Some(driver) => driver == DRIVER,
            None => identity(&pci, None).is_some(),
        };
        if pci.is_some_and(is_efa) {
            names.push(name);
        }
    }
    Ok(names)
}

/// What makes a device an EFA device.
struct Identity {
    device_id: Option<u32>,
}

/// By its PCI ids; where they cannot be read, by its driver. Never by name: udev renames.
fn identity(pci: &Dir<'_>, driver: Option<&str>) -> Option<Identity> {
    let id = |file: &str| pci.value(file).as_deref().and_then(hex);
    let (vendor, device_id) = (id("vendor"), id("device"));
    let is_efa = match (vendor, device_id) {
        (Some(vendor), Some(id)) => vendor == VENDOR && DEVICES.contains(&id),
        _ => driver == Some(DRIVER),
    };
    is_efa.then_some(Identity { device_id })
}

/// What links tell of the device of this name, which no driver is asked for; `None` where the `efa` driver does not hold it.
pub(super) fn by_links(root: &Root, name: &str) -> Option<Efa> {
    let folder = format!("{}/{name}", rdma::CLASS);
    let driver = link(root, &format!("{folder}/device/driver")).filter(|driver| driver == DRIVER)?;
    let pci_address = link(root, &format!("{folder}/device"));
    Some(Efa { name: name.to_owned(), pci_address, driver: Some(driver), ..Efa::default() })
}

/// The RDMA device of this name; `None` where it is not one of EFA. `told` hears early which interface it is: whatever
/// is read then may stand.
pub(super) fn read(root: &Root, name: &str, told: impl FnOnce(&Efa)) -> Result<Option<Efa>, ReadError> {
    let folder = root.dir_if_there(format!("{}/{name}", rdma::CLASS))?;
    let pci = root.dir_if_there(format!("{}/{name}/device", rdma::CLASS))?;
    Ok(folder.zip(pci).and_then(|(folder, pci)| of_folders(name, &folder, &pci, told)))
}

fn of_folders(name: &str, folder: &Dir<'_>, pci: &Dir<'_>, told: impl FnOnce(&Efa)) -> Option<Efa> {
    let (driver, pci_address) = (pci.link("driver"), folder.link("device"));
    let mut efa = Efa { name: name.to_owned(), pci_address, driver, ..Efa::default() };
    let is_driven = efa.driver.as_deref() == Some(DRIVER);
    if is_driven {
        efa.read_gids(folder);
        told(&efa);
    }
    efa.device_id = identity(pci, efa.driver.as_deref())?.device_id;
    if !is_driven {
        efa.read_gids(folder);
    }
    let rate = folder.text("ports/1/rate");
    Some(Efa {
        firmware: folder.text("fw_ver"),
        hca_type: folder.text("hca_type"),
        node_guid: folder.text("node_guid"),
        port_state: folder.text("ports/1/state"),
        rate_gbps: rate.as_deref().and_then(parse_rate),
        rate,
        p2p: P2p::read(|file| pci.value(file)),
        numa_node: pci.value("numa_node").and_then(|node| node.parse().ok()),
        uverbs: pci.list("infiniband_verbs").into_iter().next(),
        ..efa
    })
}

impl Efa {
    fn read_gids(&mut self, folder: &Dir<'_>) {
        let gids = gid::table(folder);
        self.gid = gids.first().filter(|gid| !gid.is_empty()).cloned();
        self.mac = self.gid.as_deref().and_then(mac_of_gid);
        self.gids = gids.into_iter().filter(|gid| gid::is_set(gid)).collect();
    }
}
