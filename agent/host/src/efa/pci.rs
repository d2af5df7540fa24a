//! EFA on the PCI bus: what is plugged in, whether or not a driver made an RDMA device of it.

use serde::Serialize;

use super::{DEVICES, VENDOR, hex, link};
use crate::Root;

const FUNCTIONS: &str = "/sys/bus/pci/devices";

/// One PCI function of an EFA card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EfaFunction {
    /// Domain, bus, device and function, for example `0000:4f:00.0`.
    pub address: String,
    /// PCI device id, 0xefa0 to 0xefa3.
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

/// Every EFA function, by address.
pub fn functions(root: &Root) -> Vec<EfaFunction> {
    root.list(FUNCTIONS).into_iter().filter_map(|address| function(root, address)).collect()
}

fn function(root: &Root, address: String) -> Option<EfaFunction> {
    let folder = format!("{FUNCTIONS}/{address}");
    let id = |file: &str| hex(&root.value(format!("{folder}/{file}"))?);
    let device_id = (id("vendor")? == VENDOR).then(|| id("device"))?.filter(|id| DEVICES.contains(id))?;
    let rdma_device = root.list(format!("{folder}/infiniband")).into_iter().next();
    let state = match (rdma_device, link(root, &format!("{folder}/driver"))) {
        (Some(rdma_device), _) => FunctionState::Ready { rdma_device },
        (None, Some(driver)) => FunctionState::NoRdmaDevice { driver },
        (None, None) => FunctionState::NotBound,
    };
    Some(EfaFunction { address, device_id, state })
}
