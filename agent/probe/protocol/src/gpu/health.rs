//! Memory errors and the fabric.

use serde::{Deserialize, Serialize};

use crate::Reading;

/// Error correction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ecc {
    /// On now.
    pub enabled: Reading<bool>,
    /// On after the next reboot.
    pub pending: Reading<bool>,
    /// Since the driver loaded.
    pub volatile: Reading<EccCounts>,
    /// Since the board was made.
    pub aggregate: Reading<EccCounts>,
    /// What `nvmlDeviceGetSramEccErrorStatus` says.
    pub sram: Reading<Sram>,
}

/// Counts of errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EccCounts {
    /// That were corrected.
    pub corrected: u64,
    /// That were not.
    pub uncorrected: u64,
}

/// SRAM errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sram {
    /// The GPU says it must be replaced.
    pub threshold_exceeded: bool,
    /// Since the driver loaded.
    pub volatile: EccCounts,
    /// Since the board was made.
    pub aggregate: EccCounts,
}

/// Remapped rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remap {
    /// Rows remapped for corrected errors.
    pub corrected: u32,
    /// Rows remapped for uncorrected ones.
    pub uncorrected: u32,
    /// A remap waits for a reset of the GPU.
    pub pending: bool,
    /// A remap failed: there was no spare row.
    pub failure: bool,
    /// Banks by how many spare rows they have left.
    pub histogram: Option<Histogram>,
}

/// Banks by how many spare rows they have left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Histogram {
    /// All.
    pub max: u32,
    /// Many.
    pub high: u32,
    /// Some.
    pub partial: u32,
    /// Few.
    pub low: u32,
    /// None.
    pub none: u32,
}

/// Retired pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pages {
    /// For several single-bit errors.
    pub single_bit: u32,
    /// For a double-bit error.
    pub double_bit: u32,
    /// More wait for a reboot.
    pub pending: bool,
}

/// What `nvmlDeviceGetGpuFabricInfoV` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fabric {
    /// 0 not supported, 1 not started, 2 in progress, 3 completed.
    pub state: u32,
    /// `nvmlReturn_t`; says something only when `state` is 3.
    pub status: u32,
    /// Clique.
    pub clique: u32,
    /// Cluster, as a UUID; zeros outside a multi-node NVLink domain.
    pub cluster: String,
    /// Fields of two bits (0 not supported, 1 true, 2 false): shift 0 degraded bandwidth, 2 route recovery, 4 route
    /// unhealthy, 6 access timeout recovery; at shift 8 four bits of incorrect configuration. `None` before v2.
    pub health_mask: Option<u32>,
    /// `nvmlGpuFabricHealthSummary`: 0 not supported, 1 healthy, 2 unhealthy, 3 limited capacity. `None` before v3.
    pub health_summary: Option<u32>,
}
