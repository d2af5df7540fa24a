//! From what NVML and the bus said to a row.

use gpunode_probe_protocol::gpu::{self as nvml, Entry};

use super::values::Values;
use super::{Gpu, GpuState, Pcie, links, load, memory, setup};
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
    let mut values = Values::default();
    let of = &mut values;
    let memory = of.value("memoryTotal", &gpu.memory);
    let used = of.value("utilisation", &gpu.utilisation);
    let mut row = Gpu {
        index: Some(gpu.index),
        pci: Some(gpu.pci.clone()),
        state: GpuState::Read,
        uuid: of.value("uuid", &gpu.uuid),
        serial: of.value("serial", &gpu.serial),
        product: of.value("product", &gpu.product),
        module_id: of.value("moduleId", &gpu.module_id),
        minor: of.value("minor", &gpu.minor),
        gsp: setup::gsp(of, gpu),
        info_rom_valid: of.value("infoRomValid", &gpu.info_rom_valid),
        persistence: of.value("persistence", &gpu.persistence),
        pstate: of.value("pstate", &gpu.pstate),
        vbios: of.value("vbios", &gpu.vbios),
        memory_total: memory.map(|memory| memory.total),
        memory_used: memory.map(|memory| memory.used),
        mig: setup::mig(of, &gpu.mig),
        temperature: of.value("temperature", &gpu.thermal.gpu),
        memory_temperature: of.value("memoryTemperature", &gpu.thermal.memory),
        temperature_limits: Some(load::limits(of, &gpu.thermal)),
        clocks: Some(load::clocks(of, &gpu.clocks)),
        power_milliwatts: of.value("powerMilliwatts", &gpu.power.usage),
        power_limit_milliwatts: of.value("powerLimitMilliwatts", &gpu.power.limit),
        power_default_limit_milliwatts: of.value("powerDefaultLimitMilliwatts", &gpu.power.default_limit),
        utilisation: used.map(|used| used.gpu),
        memory_utilisation: used.map(|used| used.memory),
        ecc: memory::ecc(of, &gpu.ecc),
        remap: of.value("remap", &gpu.remap).map(memory::remap),
        retired_pages: of.value("retiredPages", &gpu.pages).map(memory::pages),
        nvlinks: links::nvlinks(of, &gpu.links),
        fabric: links::fabric(of, &gpu.fabric),
        pcie: links::pcie(of, &gpu.pcie),
        recovery_action: of.value("recoveryAction", &gpu.recovery_action),
        processes: of.value("processes", &gpu.processes).map(|all| all.len()),
        failures: gpu.failures.iter().map(setup::failure).collect(),
        ..Gpu::default()
    };
    row.not_supported = values.not_supported;
    row
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
        ..gpu.pcie
    };
}
