//! EFA devices as the kernel shows them, and which network interface each one is.

#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::Root;
use crate::metadata::Eni;

const CLASS: &str = "/sys/class/infiniband";
/// Amazon's PCI vendor id.
const VENDOR: u32 = 0x1d0f;
/// The device ids in the efa kernel driver's table (`efa_main.c`), one for each generation of the card.
const DEVICES: std::ops::RangeInclusive<u32> = 0xefa0..=0xefa3;

/// One EFA device. What sysfs does not say is `None`; a device that is half gone still shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Efa {
    /// The RDMA device, for example `rdmap79s0`.
    pub name: String,
    /// Domain, bus, device and function, for example `0000:4f:00.0`.
    pub pci_address: Option<String>,
    /// PCI device id, 0xefa0 to 0xefa3.
    pub device_id: u32,
    /// The kernel driver that holds it; `None` is a device nobody drives.
    pub driver: Option<String>,
    /// The MAC address of its network interface, lower-case with colons, from the first GID. An EFA-only
    /// interface has no network device, so this is the only way to tell which one it is.
    pub mac: Option<String>,
    /// The first GID, as sysfs writes it.
    pub gid: Option<String>,
    /// As sysfs writes it; older drivers leave it all zero.
    pub node_guid: Option<String>,
    /// For example `4: ACTIVE`. The driver always says so; it proves nothing about the link.
    pub port_state: Option<String>,
    /// The memory node it hangs on; `None` where the machine has only one.
    pub numa_node: Option<u32>,
    /// The character device that programs open, for example `uverbs0`.
    pub uverbs: Option<String>,
}

/// Every EFA device, by name. Other RDMA devices (Mellanox, soft RoCE) are left out.
pub fn devices(root: &Root) -> Vec<Efa> {
    root.list(CLASS).into_iter().filter_map(|name| device(root, name)).collect()
}

fn device(root: &Root, name: String) -> Option<Efa> {
    let folder = format!("{CLASS}/{name}");
    let pci = format!("{folder}/device");
    let device_id = hex(&root.value(format!("{pci}/device"))?)?;
    if hex(&root.value(format!("{pci}/vendor"))?)? != VENDOR || !DEVICES.contains(&device_id) {
        return None;
    }
    let gid = root.value(format!("{folder}/ports/1/gids/0")).filter(|gid| !gid.is_empty());
    Some(Efa {
        pci_address: link(root, &pci),
        device_id,
        driver: link(root, &format!("{pci}/driver")),
        mac: gid.as_deref().and_then(mac_of_gid),
        gid,
        node_guid: root.value(format!("{folder}/node_guid")),
        port_state: root.value(format!("{folder}/ports/1/state")),
        numa_node: root.value(format!("{pci}/numa_node")).and_then(|node| node.parse().ok()),
        uverbs: root.list(format!("{pci}/infiniband_verbs")).into_iter().next(),
        name,
    })
}

/// The last component of the link at `path`: sysfs points so at drivers and buses.
pub(crate) fn link(root: &Root, path: &str) -> Option<String> {
    let target = std::fs::read_link(root.at(path)).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}

/// A number as PCI files write it: `0x1d0f`.
pub(crate) fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// The MAC address inside a link-local GID, `fe80:0000:0000:0000:0cba:4aff:fe1d:7e21`: the last eight bytes are the
/// address with ff:fe in its middle and its second-lowest bit turned over (RFC 4291, appendix A). `None` for any
/// other GID.
pub fn mac_of_gid(gid: &str) -> Option<String> {
    let gid: std::net::Ipv6Addr = gid.parse().ok()?;
    let [0xfe, 0x80, 0, 0, 0, 0, 0, 0, front @ .., 0xff, 0xfe, back0, back1, back2] = gid.octets() else {
        return None;
    };
    let [first, second, third] = front;
    let first = first ^ 0x02;
    Some(format!("{first:02x}:{second:02x}:{third:02x}:{back0:02x}:{back1:02x}:{back2:02x}"))
}

/// EFA devices and network interfaces, joined by MAC address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Join {
    /// Every device, with its interface where one has its MAC address.
    pub devices: Vec<Attached>,
    /// Interfaces that no device belongs to: plain Ethernet ones, and EFA ones whose device did not come up. Of the
    /// latter [`Eni::has_no_address`] tells those that are EFA-only.
    pub others: Vec<Eni>,
}

/// A device and the interface it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attached {
    /// The device.
    pub efa: Efa,
    /// The interface; `None` where the instance metadata has none with its MAC address.
    pub eni: Option<Eni>,
}

/// Finds the interface of each device.
pub fn join(devices: Vec<Efa>, enis: &[Eni]) -> Join {
    let mut others: Vec<Eni> = enis.to_vec();
    let devices = devices
        .into_iter()
        .map(|efa| {
            let at = others
                .iter()
                .position(|eni| efa.mac.as_deref().is_some_and(|mac| mac.eq_ignore_ascii_case(&eni.mac)));
            Attached { eni: at.map(|at| others.remove(at)), efa }
        })
        .collect();
    Join { devices, others }
}
