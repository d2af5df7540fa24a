//! Memory of a GPU: its errors, its spare rows, its retired pages.

use gpunode_probe_protocol::gpu as nvml;
use serde::Serialize;

use super::values::Values;

/// Memory errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Ecc {
    /// Whether errors are corrected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether they will be after the next reboot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<bool>,
    /// Since the driver loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volatile: Option<ErrorCounts>,
    /// Since the board was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<ErrorCounts>,
    /// Of SRAM alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sram: Option<Sram>,
}

/// Counts of memory errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ErrorCounts {
    /// Corrected.
    pub corrected: u64,
    /// Not corrected.
    pub uncorrected: u64,
}

/// Errors of SRAM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Sram {
    /// The GPU says that it must be replaced.
    pub threshold_exceeded: bool,
    /// Since the driver loaded.
    pub volatile: ErrorCounts,
    /// Since the board was made.
    pub aggregate: ErrorCounts,
}

/// Remapped memory rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
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
    /// Banks by how many spare rows they have left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
}

/// Banks of memory by how many spare rows they have left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// Pages that are used no more: GPUs before Ampere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RetiredPages {
    /// For several single-bit errors.
    pub single_bit: u32,
    /// For a double-bit error.
    pub double_bit: u32,
    /// More wait for a reboot.
    pub pending: bool,
}

pub(super) fn ecc(of: &mut Values, ecc: &nvml::Ecc) -> Option<Ecc> {
    let all = Ecc {
        enabled: of.value("ecc.enabled", &ecc.enabled),
        pending: of.value("ecc.pending", &ecc.pending),
        volatile: of.value("ecc.volatile", &ecc.volatile).map(counts),
        aggregate: of.value("ecc.aggregate", &ecc.aggregate).map(counts),
        sram: of.value("ecc.sram", &ecc.sram).map(sram),
    };
    (all != Ecc::default()).then_some(all)
}

fn counts(counts: nvml::EccCounts) -> ErrorCounts {
    let nvml::EccCounts { corrected, uncorrected } = counts;
    ErrorCounts { corrected, uncorrected }
}

fn sram(sram: nvml::Sram) -> Sram {
    let nvml::Sram { threshold_exceeded, volatile, aggregate } = sram;
    Sram { threshold_exceeded, volatile: counts(volatile), aggregate: counts(aggregate) }
}

pub(super) fn remap(remap: nvml::Remap) -> Remap {
    let nvml::Remap { corrected, uncorrected, pending, failure, histogram } = remap;
    let histogram = histogram.map(|banks| {
        let nvml::Histogram { max, high, partial, low, none } = banks;
        Histogram { max, high, partial, low, none }
    });
    Remap { corrected, uncorrected, pending, failure, histogram }
}

pub(super) fn pages(pages: nvml::Pages) -> RetiredPages {
    let nvml::Pages { single_bit, double_bit, pending } = pages;
    RetiredPages { single_bit, double_bit, pending }
}
