//! Whether a GPU answers, and how it is set up.

use gpunode_probe_protocol::Reading;

use super::{Look, fabric};
use crate::health::rules;

/// `NVML_ERROR_GPU_IS_LOST`
pub(super) const LOST: u32 = 15;
/// `NVML_ERROR_RESET_REQUIRED`
const RESET_REQUIRED: u32 = 16;

/// The name of an NVML error (`nvmlReturn_t`), with its number.
pub(super) fn words(code: u32) -> String {
    let name = match code {
        1 => "not initialised",
        4 => "no permission",
        8 => "insufficient power",
        9 => "driver not loaded",
        10 => "time-out",
        11 => "interrupt issue",
        14 => "corrupted InfoROM",
        LOST => "GPU is lost",
        RESET_REQUIRED => "reset required",
        18 => "library and driver versions differ",
        19 => "in use",
        27 => "not ready",
        28 => "GPU not found",
        999 => "unknown error",
        _ => return format!("NVML error {code}"),
    };
    format!("{name} (NVML error {code})")
}

/// A lost GPU has no other signs: every value of it is missing for the same reason.
pub(super) fn is_lost(look: &mut Look<'_>) -> bool {
    let Some((call, _)) = look.gpu.failures.iter().find(|(_, code)| *code == LOST) else { return false };
    let message = format!("{call}: {}", words(LOST));
    look.sees(&rules::GPU_LOST, message);
    true
}

pub(super) fn judge(look: &mut Look<'_>) {
    failures(look);
    fabric::judge(look);
    let gpu = look.gpu;
    if gpu.persistence == Reading::Value(false) {
        look.sees(&rules::GPU_PERSISTENCE_OFF, "persistence mode is off");
    }
    if let Some(mig) = gpu.mig.value().filter(|mig| mig.enabled != mig.pending) {
        let word = |on| if on { "on" } else { "off" };
        let message = format!("MIG is {} and will be {}", word(mig.enabled), word(mig.pending));
        look.sees(&rules::GPU_MIG_PENDING, message);
    }
}

fn failures(look: &mut Look<'_>) {
    let (reset, other): (Vec<_>, Vec<_>) =
        look.gpu.failures.iter().partition(|(_, code)| *code == RESET_REQUIRED);
    if let Some((call, code)) = reset.first() {
        look.sees(&rules::GPU_RESET_REQUIRED, format!("{call}: {}", words(*code)));
    }
    let said: Vec<_> = other.iter().map(|(call, code)| format!("{call}: {}", words(*code))).collect();
    if !said.is_empty() {
        look.sees(&rules::GPU_READ_FAILS, said.join("; "));
    }
}
