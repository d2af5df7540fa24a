//! The NVLink fabric that a GPU is registered with.

use gpunode_probe_protocol::gpu::Fabric;

use super::{Look, state};
use crate::health::rules;

/// Fabric states of `nvmlGpuFabricInfoV_t`.
const NOT_STARTED: u32 = 1;
const IN_PROGRESS: u32 = 2;
const COMPLETED: u32 = 3;
/// `nvmlGpuFabricHealthSummary`
const UNHEALTHY: u32 = 2;

pub(super) fn judge(look: &mut Look<'_>) {
    let Some(fabric) = look.gpu.fabric.value() else { return };
    if fabric.state == COMPLETED && fabric.status != 0 {
        look.sees(
            &rules::GPU_FABRIC_FAILED,
            format!("the fabric's status is {}", state::words(fabric.status)),
        );
    } else if fabric.state == COMPLETED {
        let faults = faults(fabric);
        if !faults.is_empty() {
            look.sees(&rules::GPU_FABRIC_FAILED, format!("the fabric is impaired: {}", faults.join(", ")));
        }
    } else if look.expect.own_nvswitch && matches!(fabric.state, NOT_STARTED | IN_PROGRESS) {
        let word = if fabric.state == NOT_STARTED { "not started" } else { "in progress" };
        look.sees(&rules::GPU_FABRIC_NOT_READY, format!("the fabric's state is {word}"));
    }
}

/// What is wrong by the mask and the summary. They say something of a fabric that the GPU has joined, and only then.
pub(in crate::health) fn faults(fabric: &Fabric) -> Vec<&'static str> {
    if fabric.state != COMPLETED {
        return Vec::new();
    }
    let mut faults = fabric.health_mask.map(mask_faults).unwrap_or_default();
    if faults.is_empty() && fabric.health_summary == Some(UNHEALTHY) {
        faults.push("its summary says unhealthy");
    }
    faults
}

/// The faults in a fabric health mask: fields of two bits that say 1 for true, and the configuration at bit 8, where
/// 0 is not known and 1 is right.
fn mask_faults(mask: u32) -> Vec<&'static str> {
    let two_bits =
        [(0, "degraded bandwidth"), (2, "route recovery"), (4, "route unhealthy"), (6, "access timeout")];
    let mut faults: Vec<_> =
        two_bits.iter().filter(|(shift, _)| mask >> shift & 3 == 1).map(|(_, fault)| *fault).collect();
    faults.extend(match mask >> 8 & 15 {
        0 | 1 => None,
        2 => Some("configured with a wrong system GUID"),
        3 => Some("configured with a wrong chassis serial number"),
        4 => Some("in no partition"),
        5 => Some("too few NVLinks"),
        6 => Some("incompatible GPU firmware"),
        7 => Some("in an invalid location"),
        _ => Some("configured wrongly"),
    });
    faults
}
