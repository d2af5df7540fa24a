//! EFA interfaces in a report.

mod read;

use std::collections::BTreeMap;

use serde::Serialize;

use super::Standing;
use crate::efa::InterfaceKindSeen;

pub(super) use read::all;

/// One EFA interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Efa {
    /// The RDMA device, for example `rdmap79s0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// PCI address; absent where the interface has no device at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pci: Option<String>,
    /// How far it came.
    pub state: EfaState,
    /// The network card's index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_card: Option<u32>,
    /// `eni-…`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eni: Option<String>,
    /// Lower-case, with colons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// With ENA or without.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<InterfaceKindSeen>,
    /// The network device with the same MAC address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netdev: Option<String>,
    /// The character device that programs open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uverbs: Option<String>,
    /// The memory node it hangs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numa_node: Option<u32>,
    /// Gbit/s as the driver shows it, which is the next lower rate that RDMA knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_gbps: Option<u32>,
    /// The kernel driver that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// The driver's version; the one inside the kernel tree has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_version: Option<String>,
    /// The card's firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// As which endpoints libfabric lists it; absent where libfabric was not asked or does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub libfabric: Option<Listed>,
    /// Bytes sent since the driver loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tx_bytes: Option<u64>,
    /// Bytes received since the driver loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rx_bytes: Option<u64>,
    /// Packets received and dropped since the driver loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rx_drops: Option<u64>,
    /// Packets sent again since the driver loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retransmitted_packets: Option<u64>,
    /// Every GID that is not zero.
    pub gids: Vec<String>,
    /// Through what the driver reaches GPU memory by itself, for example `NVIDIA`; empty where it has nothing for it,
    /// absent where it does not say, as with dma-buf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_direct: Option<String>,
    /// Every counter of the device and of its port that could be read, by the name of its file. Those of the port come
    /// from the card.
    pub counters: BTreeMap<String, u64>,
    /// How it fares.
    pub standing: Standing,
}

/// How far an interface came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EfaState {
    /// It is an RDMA device.
    Ready,
    /// A driver holds its PCI function, and no RDMA device came of it.
    NoRdmaDevice,
    /// No driver holds its PCI function.
    NotBound,
    /// The instance has the interface, and there is no device that belongs to it.
    #[default]
    Absent,
}

/// As which endpoints libfabric lists a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// `FI_EP_RDM`, which NCCL uses.
    pub rdm: bool,
    /// `FI_EP_DGRAM`.
    pub dgram: bool,
}
