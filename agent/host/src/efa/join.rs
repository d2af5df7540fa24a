//! Which network interface each device is.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Efa;
use crate::Root;
use crate::metadata::Eni;

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

/// Which kind of interface a device belongs to, as far as it can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceKindSeen {
    /// With an Ethernet device (ENA) and addresses.
    Efa,
    /// Without either.
    EfaOnly,
}

impl Attached {
    /// The network card it is on; `None` where the metadata does not tell.
    pub fn network_card(&self) -> Option<u32> {
        self.eni.as_ref().map(|eni| eni.network_card)
    }

    /// Its kind: a network device or an address means EFA with ENA, an interface without any address is EFA-only.
    pub fn kind(&self) -> Option<InterfaceKindSeen> {
        match (&self.efa.netdev, &self.eni) {
            (None, None) => None,
            (None, Some(eni)) if eni.has_no_address() => Some(InterfaceKindSeen::EfaOnly),
            (Some(_), _) | (None, Some(_)) => Some(InterfaceKindSeen::Efa),
        }
    }
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

/// The network devices on a bus, by MAC address. Virtual ones (veth, bridges), of which a node has hundreds and which
/// can carry any address, are left out: they have no `device`.
pub(super) fn netdevs(root: &Root) -> BTreeMap<String, String> {
    let class = "/sys/class/net";
    let mac = |name: String| {
        let device = root.dir(format!("{class}/{name}")).ok()?;
        if !device.exists("device") {
            return None;
        }
        Some((device.value("address")?.to_lowercase(), name))
    };
    root.list(class).into_iter().filter_map(mac).collect()
}
