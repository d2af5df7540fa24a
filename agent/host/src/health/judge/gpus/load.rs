//! Heat, clocks and PCI Express.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::Gpu;

use super::Look;
use crate::health::judge::Rate;
use crate::health::rules;

/// `nvmlClocksEventReasonHwSlowdown`, `…HwThermalSlowdown`, `…HwPowerBrakeSlowdown`
const HELD_DOWN: [(u64, &str); 3] =
    [(0x40, "hardware thermal slowdown"), (0x80, "power brake"), (0x8, "hardware slowdown")];
/// A minute (`DCGM_LIMIT_MAX_PCIREPLAY_RATE`).
const REPLAYS: f64 = 8.0;
/// Percent of utilisation from which a GPU is at work, so that its PCIe link has no reason to save power.
const AT_WORK: u32 = 10;

pub(super) fn judge(look: &mut Look<'_>) {
    let gpu = look.gpu;
    if let Some(bits) = gpu.clocks.event_reasons.value() {
        // The first bit is set along with its cause; the cause says more.
        if let Some((_, reason)) = HELD_DOWN.iter().find(|(bit, _)| bits & bit != 0) {
            look.sees(&rules::GPU_HARDWARE_SLOWDOWN, format!("clocks are held down: {reason}"));
        }
    }
    let thermal = &gpu.thermal;
    let limits = [("GPU", &thermal.gpu, &thermal.slowdown), ("memory", &thermal.memory, &thermal.memory_max)];
    let hot: Vec<_> = limits
        .iter()
        .filter_map(|(what, now, limit)| Some((what, now.value()?, limit.value()?)))
        // A limit of 0 or less is no limit but a value that the board does not have.
        .filter(|(_, now, limit)| **limit > 0 && now >= limit)
        .map(|(what, _, limit)| format!("{what} at or above its limit of {limit} °C"))
        .collect();
    if !hot.is_empty() {
        look.sees(&rules::GPU_TOO_HOT, hot.join("; "));
    }
}

pub(super) fn pcie(look: &mut Look<'_>, replays: &mut Rate, fatal: &mut Rate) {
    let (gpu, now) = (look.gpu, look.now);
    let step = replays.next(now, gpu.pcie.replays.value().copied());
    if step.is_some_and(|step| step.per_second() * 60.0 > REPLAYS) {
        look.sees(&rules::GPU_PCIE_REPLAYS, "more than 8 PCIe replays a minute");
    }
    if fatal.next(now, gpu.pcie.fatal.value().copied()).is_some_and(|step| step.grew > 0) {
        look.sees(&rules::GPU_PCIE_FATAL, "fatal PCIe errors");
    }
    // A board may run slower than it can by its wiring; then all of the machine do.
    let top = look.top_generation;
    if let Some(is) = busy_generation(gpu).filter(|is| *is < top) {
        look.sees(
            &rules::GPU_PCIE_GENERATION,
            format!("PCIe generation {is} under load, where other GPUs have {top}"),
        );
    }
}

/// The PCIe generation of a GPU that is at work: idle links are slow to save power.
pub(super) fn busy_generation(gpu: &Gpu) -> Option<u32> {
    let at_work =
        gpu.pstate == Reading::Value(0) && gpu.utilisation.value().is_some_and(|used| used.gpu >= AT_WORK);
    gpu.pcie.generation.value().copied().filter(|_| at_work)
}
