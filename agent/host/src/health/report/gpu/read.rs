//! From what NVML and the bus said to a row.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::{self as nvml, EccCounts, Entry};

use super::{Ecc, ErrorCounts, Gpu, GpuState, Mig, Nvlinks, Pcie, Remap};
use crate::gpu_pci::{GpuPci, Hardware};
use crate::health::{Known, Nvml};

pub(super) fn from_nvml(known: &Known) -> Vec<Gpu> {
    let Nvml::Sweep(sweep) = &known.nvml else { return Vec::new() };
    sweep.gpus.iter().map(row).collect()
}

fn row(entry: &Entry) -> Gpu {
    match entry {
        Entry::Read(gpu) => read(gpu),
        Entry::Unreachable { index, pci, .. } => {
            Gpu { index: Some(*index), pci: pci.clone(), state: GpuState::Unreachable, ..Gpu::default() }
        }
        Entry::Skipped { index, pci } => {
            Gpu { index: Some(*index), pci: pci.clone(), state: GpuState::Skipped, ..Gpu::default() }
        }
    }
}

fn read(gpu: &nvml::Gpu) -> Gpu {
    let memory = gpu.memory.value();
    Gpu {
        index: Some(gpu.index),
        pci: Some(gpu.pci.clone()),
        state: GpuState::Read,
        uuid: gpu.uuid.value().cloned(),
        serial: gpu.serial.value().cloned(),
        product: gpu.product.value().cloned(),
        vbios: gpu.vbios.value().cloned(),
        memory_total: memory.map(|memory| memory.total),
        memory_used: memory.map(|memory| memory.used),
        mig: gpu.mig.value().map(|mig| Mig {
            enabled: mig.enabled,
            pending: mig.pending,
            instances: mig.instances.len(),
        }),
        temperature: gpu.thermal.gpu.value().copied(),
        memory_temperature: gpu.thermal.memory.value().copied(),
        power_milliwatts: gpu.power.usage.value().copied(),
        power_limit_milliwatts: gpu.power.limit.value().copied(),
        utilisation: gpu.utilisation.value().map(|used| used.gpu),
        ecc: ecc(&gpu.ecc),
        remap: gpu.remap.value().map(|remap| Remap {
            corrected: remap.corrected,
            uncorrected: remap.uncorrected,
            pending: remap.pending,
            failure: remap.failure,
        }),
        nvlinks: (!gpu.links.is_empty()).then(|| Nvlinks {
            active: gpu.links.iter().filter(|link| link.active == Reading::Value(true)).count(),
            total: gpu.links.len(),
        }),
        pcie: Pcie {
            generation: gpu.pcie.generation.value().copied(),
            generation_max: gpu.pcie.generation_max.value().copied(),
            width: gpu.pcie.width.value().copied(),
            width_max: gpu.pcie.width_max.value().copied(),
        },
        recovery_action: gpu.recovery_action.value().copied(),
        processes: gpu.processes.value().map(Vec::len),
        ..Gpu::default()
    }
}

fn ecc(ecc: &nvml::Ecc) -> Option<Ecc> {
    let counts = |counts: &Reading<EccCounts>| {
        counts.value().map(|c| ErrorCounts { corrected: c.corrected, uncorrected: c.uncorrected })
    };
    let all = Ecc {
        enabled: ecc.enabled.value().copied(),
        volatile: counts(&ecc.volatile),
        aggregate: counts(&ecc.aggregate),
    };
    (all.enabled.is_some() || all.volatile.is_some() || all.aggregate.is_some()).then_some(all)
}

/// What the bus and the driver's files say; it fills what NVML has not said.
pub(super) fn add_bus(gpu: &mut Gpu, pci: &GpuPci, hardware: Option<&Hardware>) {
    gpu.driver.clone_from(&pci.driver);
    gpu.numa_node = pci.numa_node;
    let Some(hardware) = hardware else { return };
    if let Some(information) = &hardware.information {
        gpu.product = gpu.product.take().or_else(|| information.model.clone());
        gpu.uuid = gpu.uuid.take().or_else(|| information.uuid.clone());
        gpu.vbios = gpu.vbios.take().or_else(|| information.vbios.clone());
    }
    let link = &hardware.link;
    gpu.pcie = Pcie {
        generation: gpu.pcie.generation.or(link.generation.map(u32::from)),
        generation_max: gpu.pcie.generation_max.or(link.max_generation.map(u32::from)),
        width: gpu.pcie.width.or(link.width.map(u32::from)),
        width_max: gpu.pcie.width_max.or(link.max_width.map(u32::from)),
    };
}
