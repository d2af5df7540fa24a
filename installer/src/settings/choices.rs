//! The settings that pick one of a few words, as types.

use serde::{Deserialize, Serialize};

/// Who runs the node group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeGroupKind {
    /// EKS.
    Managed,
    /// An Auto Scaling group of one's own.
    SelfManaged,
}

impl NodeGroupKind {
    /// Every word.
    pub const WORDS: &'static [&'static str] = &["managed", "self-managed"];
}

/// What gives a node's GPUs and EFA interfaces to pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Devices {
    /// The device plugins of NVIDIA and AWS: pods ask by number, `nvidia.com/gpu: 8`.
    DevicePlugin,
    /// The DRA drivers of both: pods ask by `ResourceClaim`.
    Dra,
}

impl Devices {
    /// Every word.
    pub const WORDS: &'static [&'static str] = &["device-plugin", "dra"];
}

/// How pods of gpunode's own DaemonSet come to the devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DaemonsetDevices {
    /// By the CDI device that the agent wrote.
    Cdi,
    /// They are privileged.
    Privileged,
    /// They are privileged, and NVIDIA's runtime brings the libraries.
    RuntimeClass,
}

impl DaemonsetDevices {
    /// Every word.
    pub const WORDS: &'static [&'static str] = &["cdi", "privileged", "runtime-class"];
}

/// How instances are bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capacity {
    /// By the second.
    OnDemand,
    /// Spare capacity that EC2 takes back.
    Spot,
    /// Reserved for a span of days, in one cluster.
    CapacityBlock,
    /// An on-demand capacity reservation.
    Reservation,
}

impl Capacity {
    /// Every word.
    pub const WORDS: &'static [&'static str] = &["on-demand", "spot", "capacity-block", "reservation"];

    /// Whether it names a reservation.
    pub fn reserved(self) -> bool {
        matches!(self, Self::CapacityBlock | Self::Reservation)
    }
}
