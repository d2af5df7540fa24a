//! GPUs. Only what NVML said in its newest sweep is here: a GPU that does not answer has no old values.

use gpunode_host::health::report::Standing;
use gpunode_host::health::{Known, Nvml};
use gpunode_probe::gpu::{Entry, Gpu, Link};

use super::Facts;
use super::page::{Kind, Page};

use gpunode_monitor::probe::protocol as gpunode_probe;

type Labels<'a> = [(&'a str, &'a str)];

pub(super) fn add(page: &mut Page, facts: &Facts<'_>) {
    for gpu in &facts.report.gpus {
        let index = gpu.index.map(|index| index.to_string()).unwrap_or_default();
        let pci = gpu.pci.as_deref().unwrap_or_default();
        let labels = [("gpu", index.as_str()), ("pci_bus_id", pci)];
        page.gauge("gpunode_gpu_standing", STANDING, &labels, standing(gpu.standing));
    }
    for gpu in read(facts.known) {
        values(page, gpu);
    }
}

pub(super) const STANDING: &str =
    "How the device fares: 0 ok, 1 worth knowing, 2 warning, 3 error, -1 nobody can tell.";

pub(super) fn standing(standing: Standing) -> f64 {
    match standing {
        Standing::Unknown => -1.0,
        Standing::Ok => 0.0,
        Standing::Info => 1.0,
        Standing::Warning => 2.0,
        Standing::Error => 3.0,
    }
}

fn read(known: &Known) -> impl Iterator<Item = &Gpu> {
    let sweep = match &known.nvml {
        Nvml::Sweep(sweep) => Some(sweep),
        Nvml::Unknown | Nvml::Unusable(_) => None,
    };
    sweep.into_iter().flat_map(|sweep| &sweep.gpus).filter_map(|entry| match entry {
        Entry::Read(gpu) => Some(gpu.as_ref()),
        Entry::Unreachable { .. } | Entry::Skipped { .. } => None,
    })
}

/// One sample, where there is a value.
fn put(page: &mut Page, kind: Kind, labels: &Labels<'_>, name: &str, help: &'static str, value: Option<f64>) {
    if let Some(value) = value {
        page.sample(name, help, kind, labels, value);
    }
}

fn values(page: &mut Page, gpu: &Gpu) {
    let index = gpu.index.to_string();
    let text = |found: Option<&String>| found.cloned().unwrap_or_default();
    let (uuid, model) = (text(gpu.uuid.value()), text(gpu.product.value()));
    let labels: [(&str, &str); 4] =
        [("gpu", &index), ("UUID", &uuid), ("pci_bus_id", &gpu.pci), ("modelName", &model)];
    load(page, &labels, gpu);
    errors(page, &labels, gpu);
}

#[rustfmt::skip]
fn load(page: &mut Page, labels: &Labels<'_>, gpu: &Gpu) {
    let mut gauge = |name: &str, help, value| put(page, Kind::Gauge, labels, name, help, value);
    gauge("DCGM_FI_DEV_GPU_TEMP", "Temperature of the GPU in degrees Celsius.", gpu.thermal.gpu.value().copied().map(f64::from));
    gauge("DCGM_FI_DEV_MEMORY_TEMP", "Temperature of the GPU's memory in degrees Celsius.", gpu.thermal.memory.value().copied().map(f64::from));
    gauge("DCGM_FI_DEV_POWER_USAGE", "Power in watts.", gpu.power.usage.value().map(|milliwatts| f64::from(*milliwatts) / 1000.0));
    gauge("DCGM_FI_DEV_POWER_MGMT_LIMIT", "The limit of power in force, in watts.", gpu.power.limit.value().map(|milliwatts| f64::from(*milliwatts) / 1000.0));
    gauge("DCGM_FI_DEV_SM_CLOCK", "Clock of the multiprocessors in MHz.", gpu.clocks.sm.value().copied().map(f64::from));
    gauge("DCGM_FI_DEV_MEM_CLOCK", "Clock of the memory in MHz.", gpu.clocks.memory.value().copied().map(f64::from));
    gauge("DCGM_FI_DEV_GPU_UTIL", "Percent of the last sampling period in which a kernel ran.", gpu.utilisation.value().map(|used| f64::from(used.gpu)));
    gauge("DCGM_FI_DEV_MEM_COPY_UTIL", "Percent of the last sampling period in which memory was read or written.", gpu.utilisation.value().map(|used| f64::from(used.memory)));
    gauge("DCGM_FI_DEV_FB_USED", "Used frame buffer in MiB.", gpu.memory.value().map(|memory| mebibytes(memory.used)));
    gauge("DCGM_FI_DEV_FB_FREE", "Free frame buffer in MiB.", gpu.memory.value().map(|memory| mebibytes(memory.free)));
    // Ours have labels in the form that Prometheus asks for.
    let labels = &labels[..1];
    let mut gauge = |name: &str, help, value| put(page, Kind::Gauge, labels, name, help, value);
    gauge("gpunode_gpu_recovery_action", "What the driver says must be done: 0 nothing, 1 GPU reset, 2 node reboot, 3 drain peer-to-peer, 4 drain and reset, 5 recover the IMEX domain, 6 bus reset, 7 system reboot.", gpu.recovery_action.value().copied().map(f64::from));
    let known = gpu.links.iter().filter(|link| link.active.value().is_some()).count();
    let active = gpu.links.iter().filter(|link| link.active.value() == Some(&true)).count();
    let links = |count: usize| (known > 0).then(|| count_of(count));
    gauge("gpunode_gpu_nvlinks_active", "NVLinks that are up.", links(active));
    gauge("gpunode_gpu_nvlinks", "NVLinks that the GPU has.", links(known));
}

#[rustfmt::skip]
fn errors(page: &mut Page, labels: &Labels<'_>, gpu: &Gpu) {
    let mut counter = |name: &str, help, value: Option<u64>| put(page, Kind::Counter, labels, name, help, value.map(double));
    let (now, ever) = (gpu.ecc.volatile.value(), gpu.ecc.aggregate.value());
    counter("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "Corrected memory errors since the driver loaded.", now.map(|counts| counts.corrected));
    counter("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "Uncorrected memory errors since the driver loaded.", now.map(|counts| counts.uncorrected));
    counter("DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", "Corrected memory errors since the board was made.", ever.map(|counts| counts.corrected));
    counter("DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", "Uncorrected memory errors since the board was made.", ever.map(|counts| counts.uncorrected));
    let remap = gpu.remap.value();
    counter("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "Rows remapped for corrected errors.", remap.map(|rows| rows.corrected.into()));
    counter("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "Rows remapped for uncorrected errors.", remap.map(|rows| rows.uncorrected.into()));
    counter("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "PCIe replays.", gpu.pcie.replays.value().copied());
    let sum = |read: fn(&Link) -> Option<u64>| gpu.links.iter().filter_map(read).reduce(u64::saturating_add);
    counter("DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "CRC errors of flits on all NVLinks.", sum(|link| link.errors.crc_flit.value().copied()));
    counter("DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL", "CRC errors of data on all NVLinks.", sum(|link| link.errors.crc_data.value().copied()));
    counter("DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "Replays on all NVLinks.", sum(|link| link.errors.replay.value().copied()));
    counter("DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", "Recoveries on all NVLinks.", sum(|link| link.errors.recovery.value().copied()));
    let truth = |is: bool| if is { 1.0 } else { 0.0 };
    put(page, Kind::Gauge, labels, "DCGM_FI_DEV_ROW_REMAP_FAILURE", "Whether remapping a row has failed.", remap.map(|rows| truth(rows.failure)));
    put(page, Kind::Gauge, labels, "DCGM_FI_DEV_ROW_REMAP_PENDING", "Whether a row waits to be remapped.", remap.map(|rows| truth(rows.pending)));
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus keeps doubles")]
fn double(value: u64) -> f64 {
    value as f64
}

fn mebibytes(bytes: u64) -> f64 {
    double(bytes / (1 << 20))
}

fn count_of(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
