//! What NVML's event set delivers.

use serde::{Deserialize, Serialize};

/// Bits of `nvmlEventType…` (NVML API reference, "Event Types").
pub mod event_type {
    /// Single-bit ECC error.
    pub const SINGLE_BIT_ECC: u64 = 0x1;
    /// Double-bit ECC error.
    pub const DOUBLE_BIT_ECC: u64 = 0x2;
    /// A critical XID; the event's data is its number.
    pub const XID_CRITICAL: u64 = 0x8;
    /// The MIG configuration changed.
    pub const MIG_CONFIG: u64 = 0x100;
    /// A storm of single-bit ECC errors.
    pub const SINGLE_BIT_ECC_STORM: u64 = 0x200;
    /// A row is to be remapped, or a page retired.
    pub const DRAM_RETIREMENT: u64 = 0x400;
    /// That failed.
    pub const DRAM_RETIREMENT_FAILURE: u64 = 0x800;
    /// Poison that was contained.
    pub const NON_FATAL_POISON: u64 = 0x1000;
    /// Poison that was not.
    pub const FATAL_POISON: u64 = 0x2000;
    /// The GPU cannot be used any more.
    pub const GPU_UNAVAILABLE: u64 = 0x4000;
    /// The driver's recovery action changed.
    pub const RECOVERY_ACTION: u64 = 0x8000;
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GpuEvent {
    /// The GPU's PCI address; `None` where it could not be had from the handle any more.
    pub pci: Option<String>,
    /// One of [`event_type`], or a bit that is not named there.
    pub kind: u64,
    /// For an XID its number.
    pub data: u64,
    /// The GPU instance and compute instance where MIG is on.
    pub mig: Option<(u32, u32)>,
}
