//! Memory errors.

use gpunode_probe_protocol::Reading;

use super::Look;
use crate::health::rules;

/// DCGM's limit (`DCGM_LIMIT_MAX_RETIRED_PAGES`).
const MANY_PAGES: u32 = 63;

pub(super) fn judge(look: &mut Look<'_>) {
    let gpu = look.gpu;
    if gpu.ecc.volatile.value().is_some_and(|counts| counts.uncorrected > 0) {
        look.sees(&rules::GPU_ECC_UNCORRECTED, "uncorrected ECC errors since the driver loaded");
    }
    if gpu.ecc.sram.value().is_some_and(|sram| sram.threshold_exceeded) {
        look.sees(&rules::GPU_SRAM_THRESHOLD, "the SRAM error threshold is exceeded");
    }
    // Graphics boards are delivered with ECC off; those with HBM are not, and only they can remap rows.
    if gpu.ecc.enabled == Reading::Value(false)
        && gpu.remap.value().is_some()
        && gpu.thermal.memory.value().is_some()
    {
        look.sees(&rules::GPU_ECC_OFF, "ECC is off");
    }
    if let Some(remap) = gpu.remap.value() {
        if remap.pending {
            look.sees(&rules::GPU_REMAP_PENDING, "a row waits to be remapped");
        }
        if remap.failure {
            look.sees(&rules::GPU_REMAP_FAILED, "a row could not be remapped");
        }
    }
    if let Some(pages) = gpu.pages.value() {
        if pages.pending {
            look.sees(&rules::GPU_PAGES_PENDING, "pages wait to be retired");
        }
        if pages.single_bit.saturating_add(pages.double_bit) >= MANY_PAGES {
            look.sees(&rules::GPU_PAGES_MANY, format!("{MANY_PAGES} or more pages are retired"));
        }
    }
}
