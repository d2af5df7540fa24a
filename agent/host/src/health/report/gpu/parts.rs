//! What a GPU's row has more than one number of.

use serde::Serialize;

/// Multi-instance GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Mig {
    /// On now.
    pub enabled: bool,
    /// On after the next reset.
    pub pending: bool,
    /// MIG devices.
    pub instances: usize,
}

/// Memory errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Ecc {
    /// Whether errors are corrected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Since the driver loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volatile: Option<ErrorCounts>,
    /// Since the board was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<ErrorCounts>,
}

/// Counts of memory errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ErrorCounts {
    /// Corrected.
    pub corrected: u64,
    /// Not corrected.
    pub uncorrected: u64,
}

/// Remapped memory rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Remap {
    /// Rows remapped for corrected errors.
    pub corrected: u32,
    /// Rows remapped for uncorrected ones.
    pub uncorrected: u32,
    /// A remap waits for a reset.
    pub pending: bool,
    /// A remap failed.
    pub failure: bool,
}

/// NVLinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Nvlinks {
    /// That are up.
    pub active: usize,
    /// That the GPU has.
    pub total: usize,
}

/// A PCI Express link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Pcie {
    /// Generation now; an idle GPU goes down to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// Generation at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation_max: Option<u32>,
    /// Lanes now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Lanes at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width_max: Option<u32>,
}
