//! What the provider is to say.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// Names the scenario file.
pub const VARIABLE: &str = "GPUNODE_EFA_SCENARIO";

/// What the provider is to say. Fields that are left out are as on a healthy machine without devices.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// How many devices the machine has, on PCI buses from 0x4f on.
    pub devices: u8,
    /// Further devices, on these PCI buses.
    pub buses: Vec<u8>,
    /// Names of those that are not listed.
    pub hidden: Vec<String>,
    /// Whether `efa-direct` is listed, as libfabric 2.x does.
    pub direct: bool,
    /// Whether GPU memory is offered to who asks for it.
    pub hmem: bool,
    /// Entries come without NIC attributes.
    pub without_nic: bool,
    /// The code of `fi_getinfo`, negative; 0 lists.
    pub code: i32,
    /// It never returns.
    pub hang: bool,
    /// It aborts the process.
    pub crash: bool,
    /// What is written to standard error before anything else.
    pub log: String,
}

/// The kinds of entries that a device has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Fabric `efa`, reliable datagrams.
    Rdm,
    /// Fabric `efa-direct`, reliable datagrams.
    Direct,
    /// Fabric `efa`, datagrams.
    Dgram,
}

/// A device's place: the kernel names it after its PCI bus (`rdmap79s0` is on bus 0x4f).
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) bus: u8,
    pub(crate) name: String,
}

impl Scenario {
    /// The file that [`VARIABLE`] names; `None` where it cannot be read.
    pub(crate) fn of_environment() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "the one variable of the provider")]
        let path = std::env::var(VARIABLE).ok()?;
        let text = std::fs::read(Path::new(&path)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// The devices that are listed.
    pub(crate) fn listed(&self) -> impl DoubleEndedIterator<Item = Device> {
        let all = (0..self.devices).map(|index| 79_u8.wrapping_add(index)).chain(self.buses.iter().copied());
        all.map(|bus| Device { bus, name: format!("rdmap{bus}s0") })
            .filter(|device| !self.hidden.contains(&device.name))
    }

    /// The entries of each device, in libfabric's order.
    pub(crate) fn kinds(&self) -> impl DoubleEndedIterator<Item = &'static Kind> {
        let kinds: &[Kind] =
            if self.direct { &[Kind::Rdm, Kind::Direct, Kind::Dgram] } else { &[Kind::Rdm, Kind::Dgram] };
        kinds.iter()
    }
}
