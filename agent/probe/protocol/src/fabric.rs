//! libfabric's view of EFA.

use serde::{Deserialize, Serialize};

/// What `fi_getinfo` lists for the provider `efa`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Interfaces {
    /// `fi_version`, major and minor.
    pub version: (u32, u32),
    /// The file that was loaded.
    pub library: String,
    /// One entry a device, endpoint type and fabric; empty when the provider lists nothing (`-FI_ENODATA`).
    pub entries: Vec<Interface>,
    /// The code of `fi_getinfo` where it is not 0, negative (`-FI_ENODATA` is -61).
    pub code: i32,
}

/// One entry of `fi_getinfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Interface {
    /// `efa` or `efa-direct`; other versions may say more.
    pub fabric: String,
    /// For example `rdmap79s0-rdm`.
    pub domain: String,
    /// The device's name as libfabric's NIC attributes or, without them, the domain's name gives it.
    pub device: String,
    /// The endpoint type.
    pub endpoint: Endpoint,
    /// Domain, bus, device and function, where the NIC attributes say so.
    pub pci: Option<String>,
    /// PCI device id as libfabric writes it, for example `0xefa1`.
    pub device_version: Option<String>,
    /// Firmware version.
    pub firmware: Option<String>,
    /// The kernel driver.
    pub driver: Option<String>,
    /// Link address.
    pub address: Option<String>,
    /// Bytes.
    pub mtu: Option<u64>,
    /// Bits a second.
    pub speed: Option<u64>,
    /// Whether the entry offers `FI_HMEM`: without it GPU memory cannot be registered. `None` where libfabric was told
    /// not to look for GPUs (`FI_HMEM=system`), which it does through CUDA and may hang in.
    pub hmem: Option<bool>,
    /// Whether it offers `FI_RMA`.
    pub rma: bool,
}

/// The endpoint type of an [`Interface`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Endpoint {
    /// `FI_EP_RDM`: what NCCL uses.
    Rdm,
    /// `FI_EP_DGRAM`.
    Dgram,
    /// Any other, by its number.
    Other(u32),
}
