//! NVLink and PCI Express.

use serde::{Deserialize, Serialize};

use crate::Reading;

/// One NVLink of a GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// 0 to 17.
    pub index: u32,
    /// Whether it is active.
    pub active: Reading<bool>,
    /// NVLink generation as NVML numbers it.
    pub version: Reading<u32>,
    /// What went wrong on it since the driver loaded.
    pub errors: LinkErrors,
    /// The PCI address of the other end (slow, see [`crate::message::Want::Gpus`]).
    pub remote: Reading<String>,
}

/// Counters of one link. Up to Hopper the first four, from Blackwell on the rest; the others are not supported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkErrors {
    /// Data link replays.
    pub replay: Reading<u64>,
    /// Data link recoveries.
    pub recovery: Reading<u64>,
    /// CRC errors of flits.
    pub crc_flit: Reading<u64>,
    /// CRC errors of data.
    pub crc_data: Reading<u64>,
    /// Packets received with an error (field 208).
    pub receive: Reading<u64>,
    /// Local link integrity (field 211).
    pub local_integrity: Reading<u64>,
    /// Successful recoveries (field 213).
    pub recovered: Reading<u64>,
    /// Failed recoveries (field 214).
    pub recovery_failed: Reading<u64>,
    /// Effective errors after correction (field 219).
    pub effective: Reading<u64>,
}

/// PCI Express.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pcie {
    /// Lanes now.
    pub width: Reading<u32>,
    /// Lanes at most.
    pub width_max: Reading<u32>,
    /// Generation now; falls to 1 when idle.
    pub generation: Reading<u32>,
    /// Generation at most.
    pub generation_max: Reading<u32>,
    /// Replays.
    pub replays: Reading<u64>,
    /// Correctable errors (field 173).
    pub correctable: Reading<u64>,
    /// Non-fatal errors (field 179).
    pub non_fatal: Reading<u64>,
    /// Fatal errors (field 180).
    pub fatal: Reading<u64>,
}
