//! EFA devices as the kernel shows them, on the PCI bus and as RDMA devices, and which network interface each one is.

pub mod counters;
mod device;
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

use serde::Serialize;

use crate::Root;
use crate::rdma::Rdma;
use crate::root::ReadError;

pub use device::{Efa, names};
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

/// The kernel driver, and its module.
const DRIVER: &str = "efa";
/// Amazon's PCI vendor id.
const VENDOR: u32 = 0x1d0f;
/// Device ids of EFA cards. The driver's table (`efa_main.c`) has 0xefa0 to 0xefa4 so far (the last since 3.3.0), one for each generation.
const DEVICES: std::ops::RangeInclusive<u32> = 0xefa0..=0xefaf;

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
    /// What did not come back, by the name of the device, the address of the function, or its folder: nothing is known of
    /// it, or only what was known before.
    pub late: Vec<String>,
}

/// The loaded EFA kernel module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Module {
    /// For example `2.17.3g`; `None` for the one inside the kernel tree.
    pub version: Option<String>,
}

/// Looks at everything but the counters, once. Reads no file that asks a card, and waits for [`Observer::DEADLINE`] for those
/// that do not come back.
///
/// # Errors
/// It cannot be seen what there is.
pub fn observe(root: &Root) -> Result<Observation, ReadError> {
    Observer::once(root, Observer::DEADLINE, Observer::DEADLINE)
}

/// Every EFA device, by PCI address. Other RDMA devices (Mellanox, soft RoCE) are left out. Waits as [`observe`] does.
///
/// # Errors
/// It cannot be seen what there is.
pub fn devices(root: &Root) -> Result<Vec<Efa>, ReadError> {
    Observer::devices(root)
}

/// Every function of EFA cards on the PCI bus, by address. Waits as [`observe`] does.
///
/// # Errors
/// It cannot be seen what there is.
pub fn functions(root: &Root) -> Result<Vec<EfaFunction>, ReadError> {
    Ok(observe(root)?.functions)
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
