//! What the PCI bus and the driver's own files show of GPUs, with or without NVML.

#[cfg(test)]
mod tests;

use super::Expect;
use crate::count;
use crate::gpu_pci::{ConfigSpace, GpuPci, Hardware};
use crate::health::{GpuName, Rule, Sighting, Subject, rules};

/// The signs. `hardware` has one entry a device, `None` where the look at it did not come back in time.
pub fn judge(
    devices: &[GpuPci],
    hardware: &[Option<Hardware>],
    driver: bool,
    expect: &Expect,
) -> Vec<Sighting> {
    let mut sightings = Vec::new();
    if let Some(expected) = expect.gpus.filter(|expected| (devices.len() as u64) < u64::from(*expected)) {
        let there: Vec<_> = devices.iter().map(|device| device.address.as_str()).collect();
        let names = if there.is_empty() { String::new() } else { format!(": {}", there.join(", ")) };
        let message = format!("{} of {expected} GPUs are on the PCI bus{names}", there.len());
        sightings.push(Sighting::new(&rules::GPU_MISSING, Subject::Node, message));
    }
    // A machine whose GPUs are handed to virtual machines needs no NVIDIA driver.
    if !driver && devices.iter().any(|device| device.driver.as_deref() != Some("vfio-pci")) {
        let gpus = count(devices.len(), "GPU");
        let message = format!("{gpus} on the PCI bus and no NVIDIA driver loaded");
        sightings.push(Sighting::new(&rules::NVIDIA_DRIVER_ABSENT, Subject::Node, message));
    }
    let widest = hardware.iter().flatten().filter_map(|hardware| hardware.link.width).max();
    for (at, device) in devices.iter().enumerate() {
        one(device, hardware.get(at).and_then(Option::as_ref), driver, widest, &mut sightings);
    }
    sightings
}

fn one(
    device: &GpuPci,
    hardware: Option<&Hardware>,
    driver: bool,
    widest: Option<u8>,
    sightings: &mut Vec<Sighting>,
) {
    let uuid = hardware.and_then(|hardware| hardware.information.as_ref()).and_then(|info| info.uuid.clone());
    let name = GpuName { pci: device.address.clone(), uuid, ..GpuName::default() };
    let mut sees = |rule: &'static Rule, message: String| {
        sightings.push(Sighting::new(rule, Subject::Gpu(name.clone()), message));
    };
    if hardware.is_some_and(|hardware| hardware.config == ConfigSpace::AllOnes) {
        // Whatever else is read of it then is all ones, too.
        sees(&rules::GPU_OFF_BUS, "its PCI configuration space reads as all ones".to_owned());
        return;
    }
    match device.driver.as_deref() {
        Some("nvidia" | "vfio-pci") => {}
        other if driver => {
            let held =
                other.map_or_else(|| "no driver holds it".to_owned(), |name| format!("{name} holds it"));
            sees(&rules::GPU_NOT_BOUND, format!("{held}, while the NVIDIA driver is loaded"));
        }
        _ => {}
    }
    let (state, status) = (device.power.state.as_deref(), device.power.runtime_status.as_deref());
    if let (Some(state @ ("D3hot" | "D3cold")), Some("active")) = (state, status) {
        sees(&rules::GPU_STUCK_IN_LOW_POWER, format!("in {state}, though the kernel has it as active"));
    }
    // A board may be wired to fewer lanes than it can have; then all of the machine are.
    if let Some((Some(is), Some(can))) = hardware.map(|h| (h.link.width, h.link.max_width))
        && let Some(widest) = widest
        && 0 < is
        && is < can.min(widest)
    {
        sees(&rules::GPU_PCIE_WIDTH, format!("{is} PCIe lanes, where other GPUs have {widest}"));
    }
}
