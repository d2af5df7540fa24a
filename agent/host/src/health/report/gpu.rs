//! GPUs in a report.

mod links;
mod load;
mod memory;
mod read;
mod setup;
#[cfg(test)]
pub(super) mod tests;
mod values;

use serde::Serialize;

pub use links::{Fabric, Nvlink, NvlinkErrors, Nvlinks, Pcie};
pub use load::{Clocks, TemperatureLimits, Throttled};
pub use memory::{Ecc, ErrorCounts, Histogram, Remap, RetiredPages, Sram};
pub use setup::{Failure, Gsp, Mig, MigDevice};

use super::Standing;
use crate::health::{Kind, Known, Nvml, Present};
use gpunode_probe_protocol::gpu::Entry;

/// One GPU: on the PCI bus, listed by NVML, or both. What only NVML knows is absent where NVML does not answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Gpu {
    /// NVML's index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// PCI address; absent where NVML lists a GPU that it cannot reach and never could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pci: Option<String>,
    /// How far the look came.
    pub state: GpuState,
    /// `GPU-…`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// The board's serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// For example `NVIDIA H100 80GB HBM3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The kernel driver that holds it on the bus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// The memory node it hangs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numa_node: Option<u32>,
    /// The board's place in the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module_id: Option<u32>,
    /// The N of `/dev/nvidiaN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minor: Option<u32>,
    /// Firmware of the GPU's own processor (GSP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gsp: Option<Gsp>,
    /// Whether the InfoROM's checksum is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info_rom_valid: Option<bool>,
    /// Whether the driver keeps the GPU initialised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistence: Option<bool>,
    /// Performance state: 0 is the fastest, 15 the slowest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pstate: Option<u32>,
    /// The VBIOS version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vbios: Option<String>,
    /// Bytes of frame buffer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_total: Option<u64>,
    /// Bytes of it in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_used: Option<u64>,
    /// Multi-instance GPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mig: Option<Mig>,
    /// Degrees Celsius.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<i32>,
    /// Degrees Celsius of its memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_temperature: Option<i32>,
    /// What its temperatures are measured by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_limits: Option<TemperatureLimits>,
    /// Clocks, and what holds them down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clocks: Option<Clocks>,
    /// Milliwatts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_milliwatts: Option<u32>,
    /// Milliwatts at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_limit_milliwatts: Option<u32>,
    /// The factory's limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_default_limit_milliwatts: Option<u32>,
    /// Percent of the last sampling period in which it computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utilisation: Option<u32>,
    /// Percent of it in which memory was read or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_utilisation: Option<u32>,
    /// Memory errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecc: Option<Ecc>,
    /// Remapped memory rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remap: Option<Remap>,
    /// Pages that are used no more: GPUs before Ampere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_pages: Option<RetiredPages>,
    /// NVLinks; absent where it has none or nobody could ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nvlinks: Option<Nvlinks>,
    /// The NVLink fabric; absent where the GPU is in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fabric: Option<Fabric>,
    /// PCI Express; where NVML does not answer, as the kernel sees it.
    pub pcie: Pcie,
    /// What the driver says must be done: 0 nothing, 1 GPU reset, 2 node reboot, 3 drain peer-to-peer, 4 drain and
    /// reset, 5 recover the IMEX domain, 6 bus reset, 7 system reboot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_action: Option<u32>,
    /// Processes on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<usize>,
    /// Fields that the GPU, its driver or its library does not have: they are absent for that reason, which is no
    /// fault. `ecc.sram` is the field `sram` of `ecc`.
    pub not_supported: Vec<&'static str>,
    /// Calls of NVML that failed.
    pub failures: Vec<Failure>,
    /// How it fares.
    pub standing: Standing,
}

/// How far the look at a GPU came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum GpuState {
    /// NVML read it.
    Read,
    /// NVML cannot reach it.
    Unreachable,
    /// It was left out, since a call on it hung before, or hangs now.
    Skipped,
    /// It is on the PCI bus, and NVML does not answer or does not list it.
    #[default]
    BusOnly,
}

/// Every GPU that the bus or NVML knows.
pub(super) fn all(known: &Known, findings: &[Present]) -> Vec<Gpu> {
    let mut all: Vec<_> = read::from_nvml(known);
    for (nth, pci) in known.gpus.iter().enumerate() {
        let hardware = known.hardware.get(nth).and_then(Option::as_ref);
        let at = all.iter().position(|gpu| gpu.pci.as_deref() == Some(&pci.address)).unwrap_or_else(|| {
            all.push(Gpu { pci: Some(pci.address.clone()), ..Gpu::default() });
            all.len() - 1
        });
        let row = &mut all[at];
        read::add_bus(row, pci, hardware);
        row.uuid = row.uuid.take().or_else(|| known.uuids.get(&pci.address).cloned());
        if is_stuck(known, &pci.address) {
            row.state = GpuState::Skipped;
        }
    }
    for gpu in &mut all {
        let id = gpu.pci.as_deref().unwrap_or_default();
        gpu.standing = Standing::new(findings, Kind::Gpu, id, gpu.state == GpuState::Read);
    }
    all.sort_by(|a, b| (a.index.unwrap_or(u32::MAX), &a.pci).cmp(&(b.index.unwrap_or(u32::MAX), &b.pci)));
    all
}

/// The GPU on which a call hangs is not in the sweep.
fn is_stuck(known: &Known, pci: &str) -> bool {
    let Nvml::Sweep(sweep) = &known.nvml else { return false };
    let listed = |entry: &Entry| matches!(entry, Entry::Read(gpu) if gpu.pci == pci);
    sweep.stuck.as_ref().is_some_and(|stuck| stuck.pci.as_deref() == Some(pci))
        && !sweep.gpus.iter().any(listed)
}
