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

#[derive(Clone, Copy, Debug)]
enum What {
    /// An EFA card, with its PCI device id.
    Efa(u32),
    Other,
}

impl Functions {
    /// Of all functions on the bus, whatever they are.
    pub(super) fn addresses(root: &Root) -> Result<Vec<String>, ReadError> {
        root.needed_names(FUNCTIONS)
    }

    /// Every EFA function among `addresses`. One that is among `devices` has come all the way.
    pub(super) fn look(&mut self, root: &Root, addresses: Vec<String>, devices: &[Efa]) -> Vec<EfaFunction> {
        let turn = self.turns.next();
        self.known.retain(|address, _| addresses.binary_search(address).is_ok());
        let mut functions = Vec::new();
        for (place, address) in addresses.into_iter().enumerate() {
            let known = self.known.get(&address).copied().filter(|_| !turn.is_of(place));
            let device = devices.iter().find(|device| device.pci_address.as_ref() == Some(&address));
            let told = || device.and_then(|device| device.device_id).map(What::Efa);
            // What cannot be read is nothing yet, and is asked for again.
            let Some(what) = known.or_else(told).or_else(|| what(root, &address)) else {
                self.known.remove(&address);
                continue;
            };
            if known.is_none() {
                self.known.insert(address.clone(), what);
            }
            let What::Efa(device_id) = what else { continue };
            let state = match device {
                Some(device) => FunctionState::Ready { rdma_device: device.name.clone() },
                None => state(root, &address),
            };
            functions.push(EfaFunction { address, device_id, state });
        }
        functions
    }
}

/// `None` where it cannot be read.
fn what(root: &Root, address: &str) -> Option<What> {
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
