//! EFA on the PCI bus: what is plugged in, whether or not a driver made an RDMA device of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{DEVICES, Efa, VENDOR, hex, link};
use crate::Root;
use crate::root::ReadError;
use crate::turns::Turns;

const FUNCTIONS: &str = "/sys/bus/pci/devices";

/// One PCI function of an EFA card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EfaFunction {
    /// Domain, bus, device and function, for example `0000:4f:00.0`.
    pub address: String,
    /// PCI device id, 0xefa0 to 0xefa4.
    pub device_id: u32,
    /// How far it came.
    #[serde(flatten)]
    pub state: FunctionState,
}

/// How far a function came on the way to an RDMA device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum FunctionState {
    /// It is this RDMA device.
    #[serde(rename_all = "camelCase")]
    Ready {
        /// For example `rdmap79s0`.
        rdma_device: String,
    },
    /// A driver holds it but no RDMA device came of it: the driver's start failed, or is under way.
    NoRdmaDevice {
        /// `efa`, or something that took it, as `vfio-pci`.
        driver: String,
    },
    /// No driver holds it.
    NotBound,
}

/// The functions on the bus, by address. Another one may come to the same address, so a sixth of those that are no RDMA
/// devices is read anew at each look.
#[derive(Debug, Default)]
pub(super) struct Functions {
    known: BTreeMap<String, What>,
    turns: Turns,
}

/// What a function is.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// An EFA card, with its PCI device id.
    Efa(u32),
    Other,
}

impl Functions {
    /// Of all functions on the bus, whatever they are.
    pub(super) fn addresses(root: &Root) -> Result<Vec<String>, ReadError> {
        root.needed_names(FUNCTIONS)
    }

    /// Those among `addresses` that are to be read now: by [`what`], whose answer is for [`Functions::learn`].
    pub(super) fn unread(&mut self, addresses: &[String]) -> Vec<String> {
        let turn = self.turns.next();
        self.known.retain(|address, _| addresses.binary_search(address).is_ok());
        let unread = |(place, address): &(usize, &String)| turn.is_of(*place) || !self.knows(address);
        addresses.iter().enumerate().filter(unread).map(|(_, address)| address.clone()).collect()
    }

    pub(super) fn knows(&self, address: &str) -> bool {
        self.known.contains_key(address)
    }

    /// What cannot be read is nothing yet, and is asked for again.
    pub(super) fn learn(&mut self, address: &str, what: Option<What>) {
        if let Some(what) = what {
            self.known.insert(address.to_owned(), what);
        } else {
            self.known.remove(address);
        }
    }

    /// Every EFA function among `addresses`, as far as they were read. One that is among `devices` has come all the way.
    pub(super) fn all(&self, root: &Root, addresses: Vec<String>, devices: &[Efa]) -> Vec<EfaFunction> {
        let function = |address: String| {
            let device = devices.iter().find(|device| device.pci_address.as_ref() == Some(&address));
            let told = device.and_then(|device| device.device_id).map(What::Efa);
            let What::Efa(device_id) = told.or_else(|| self.known.get(&address).copied())? else {
                return None;
            };
            let state = match device {
                Some(device) => FunctionState::Ready { rdma_device: device.name.clone() },
                None => state(root, &address),
            };
            Some(EfaFunction { address, device_id, state })
        };
        addresses.into_iter().filter_map(function).collect()
    }
}

/// `None` where it cannot be read.
pub(super) fn what(root: &Root, address: &str) -> Option<What> {
    let id = |file: &str| hex(&root.value(format!("{FUNCTIONS}/{address}/{file}"))?);
    if id("vendor")? != VENDOR {
        return Some(What::Other);
    }
    let device = id("device")?;
    Some(if DEVICES.contains(&device) { What::Efa(device) } else { What::Other })
}

/// Of one that is none of the RDMA devices there are, whatever its own folder says.
fn state(root: &Root, address: &str) -> FunctionState {
    match link(root, &format!("{FUNCTIONS}/{address}/driver")) {
        Some(driver) => FunctionState::NoRdmaDevice { driver },
        None => FunctionState::NotBound,
    }
}
