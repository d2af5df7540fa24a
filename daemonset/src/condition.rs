//! One node condition, as it is published.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::keeper::Status;
use crate::text;

/// The conditions that this program may own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Type {
    /// Driver, count, XIDs, memory errors, NVLink, heat, fabric.
    #[serde(rename = "GPUHealthy")]
    GpuHealthy,
    /// Count, cards, error rates, what libfabric sees.
    #[serde(rename = "EFAHealthy")]
    EfaHealthy,
    /// I/O errors of disks and file systems, lost controllers and arrays.
    NodeStorageHealthy,
    /// The agent's last report.
    NodeBootstrapped,
    /// GPUs, as EKS node auto repair and Karpenter read it.
    AcceleratedHardwareReady,
    /// EFA, as they read it.
    NetworkingReady,
    /// Disks, as they read it.
    StorageReady,
}

impl Type {
    /// As the API has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::GpuHealthy => "GPUHealthy",
            Self::EfaHealthy => "EFAHealthy",
            Self::NodeStorageHealthy => "NodeStorageHealthy",
            Self::NodeBootstrapped => "NodeBootstrapped",
            Self::AcceleratedHardwareReady => "AcceleratedHardwareReady",
            Self::NetworkingReady => "NetworkingReady",
            Self::StorageReady => "StorageReady",
        }
    }
}

/// One condition, without the time of its last heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which one.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Its status.
    pub status: Status,
    /// The code of the worst finding, or one word for how it is.
    pub reason: String,
    /// At most 1 KiB.
    pub message: String,
    /// When the status changed last, in milliseconds since 1970.
    pub since_unix_ms: u64,
}

impl Condition {
    /// As the API has it. Every field is sent each time: what an apply leaves out is taken away.
    pub fn json(&self, heartbeat_unix_ms: u64) -> Value {
        json!({
            "type": self.kind.name(),
            "status": self.status.word(),
            "reason": self.reason,
            "message": text::cut(&self.message, text::MESSAGE),
            "lastTransitionTime": text::time(self.since_unix_ms),
            "lastHeartbeatTime": text::time(heartbeat_unix_ms),
        })
    }
}
