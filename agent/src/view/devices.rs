//! One line a device.

use gpunode_host::health::report::{Disk, Efa, EfaState, Gpu, GpuState, NvSwitch, Standing};

use super::paint::Paint;
use super::table::{Cell, Heading, lines};
use super::units::{bytes, decimal_bytes};

const GPU: &[Heading] = &[
    ("GPU", true),
    ("health", false),
    ("PCI address", false),
    ("product", false),
    ("memory", true),
    ("temp.", true),
    ("power", true),
    ("busy", true),
    ("ECC", true),
    ("NVLink", true),
    ("PCIe", false),
    ("MIG", false),
];
const GPU_MORE: &[Heading] = &[("serial", false), ("UUID", false), ("VBIOS", false), ("ECC ever", true)];
const EFA: &[Heading] = &[
    ("EFA", false),
    ("health", false),
    ("card", true),
    ("PCI address", false),
    ("ENI", false),
    ("type", false),
    ("Gbit/s", true),
    ("libfabric", false),
    ("sent", true),
    ("received", true),
    ("driver", false),
];
const EFA_MORE: &[Heading] = &[("MAC", false), ("firmware", false), ("device file", false), ("NUMA", true)];
const DISK: &[Heading] = &[
    ("disk", false),
    ("health", false),
    ("size", true),
    ("type", false),
    ("serial", false),
    ("mounted", false),
];
const SWITCH: &[Heading] = &[("NVSwitch", false), ("health", false), ("driver", false)];

fn standing(standing: Standing) -> Cell {
    Cell::styled(standing.word(), standing)
}

/// GPUs; `more` adds the columns that rarely matter.
pub(super) fn gpus(gpus: &[Gpu], more: bool, paint: Paint) -> Vec<String> {
    let rows: Vec<_> = gpus.iter().map(|gpu| [gpu_row(gpu), gpu_more(gpu)].concat()).collect();
    shown(&[GPU, GPU_MORE], &rows, more, paint)
}

fn gpu_row(gpu: &Gpu) -> Vec<Cell> {
    let product = gpu.product.as_deref().map(|name| name.strip_prefix("NVIDIA ").unwrap_or(name));
    let what = match gpu.state {
        GpuState::Read => product.unwrap_or_default().to_owned(),
        GpuState::Unreachable => "NVML cannot reach it".to_owned(),
        GpuState::Skipped => "left out: a call on it hangs".to_owned(),
        GpuState::BusOnly => format!("{} (bus only)", product.unwrap_or("NVIDIA GPU")),
    };
    let memory = gpu.memory_total.map(|total| match gpu.memory_used {
        Some(used) => format!("{} of {}", bytes(used), bytes(total)),
        None => bytes(total),
    });
    let watts = |milliwatts: u32| (milliwatts + 500) / 1000;
    let power = gpu.power_milliwatts.map(|now| match gpu.power_limit_milliwatts {
        Some(limit) => format!("{} of {} W", watts(now), watts(limit)),
        None => format!("{} W", watts(now)),
    });
    let ecc = gpu.ecc.and_then(|ecc| ecc.volatile).map(|c| format!("{}/{}", c.corrected, c.uncorrected));
    let mig = gpu.mig.as_ref().filter(|mig| mig.enabled || mig.pending).map(|mig| {
        match (mig.enabled, mig.pending) {
            (true, _) => format!("{} devices", mig.instances),
            _ => "after a reset".to_owned(),
        }
    });
    vec![
        Cell::maybe(gpu.index),
        standing(gpu.standing),
        Cell::maybe(gpu.pci.as_deref()),
        Cell::new(what),
        Cell::maybe(memory),
        Cell::maybe(gpu.temperature.map(|degrees| format!("{degrees} °C"))),
        Cell::maybe(power),
        Cell::maybe(gpu.utilisation.map(|percent| format!("{percent} %"))),
        Cell::maybe(ecc),
        Cell::maybe(gpu.nvlinks.as_ref().map(|links| format!("{}/{}", links.active, links.total))),
        Cell::maybe(pcie(gpu)),
        Cell::maybe(mig),
    ]
}

/// `gen 5 x16`; `gen 1 of 5 x8 of 16` where less is in use than there could be.
fn pcie(gpu: &Gpu) -> Option<String> {
    let pcie = gpu.pcie;
    let part = |now: Option<u32>, most: Option<u32>| match (now?, most) {
        (now, Some(most)) if now != most => Some(format!("{now} of {most}")),
        (now, _) => Some(now.to_string()),
    };
    let generation = part(pcie.generation, pcie.generation_max).map(|text| format!("gen {text}"));
    let width = part(pcie.width, pcie.width_max).map(|text| format!("x{text}"));
    let text = generation.into_iter().chain(width).collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

fn gpu_more(gpu: &Gpu) -> Vec<Cell> {
    let ever = gpu.ecc.and_then(|ecc| ecc.aggregate).map(|c| format!("{}/{}", c.corrected, c.uncorrected));
    vec![
        Cell::maybe(gpu.serial.as_deref()),
        Cell::maybe(gpu.uuid.as_deref()),
        Cell::maybe(gpu.vbios.as_deref()),
        Cell::maybe(ever),
    ]
}

/// EFA interfaces.
pub(super) fn efa(efa: &[Efa], more: bool, paint: Paint) -> Vec<String> {
    let rows: Vec<_> = efa.iter().map(|efa| [efa_row(efa), efa_more(efa)].concat()).collect();
    shown(&[EFA, EFA_MORE], &rows, more, paint)
}

fn efa_row(efa: &Efa) -> Vec<Cell> {
    let name = efa.device.as_deref().unwrap_or(match efa.state {
        EfaState::Ready => "?",
        EfaState::NoRdmaDevice => "no RDMA device",
        EfaState::NotBound => "no driver",
        EfaState::Absent => "no device",
    });
    let kind = efa.kind.and_then(|kind| serde_json::to_value(kind).ok());
    let listed = efa.libfabric.map(|listed| match (listed.rdm, listed.dgram) {
        (true, true) => "rdm dgram",
        (true, false) => "rdm",
        (false, true) => "dgram",
        (false, false) => "not listed",
    });
    let driver = [efa.driver.as_deref(), efa.driver_version.as_deref()];
    vec![
        Cell::new(name),
        standing(efa.standing),
        Cell::maybe(efa.network_card),
        Cell::maybe(efa.pci.as_deref()),
        Cell::maybe(efa.eni.as_deref()),
        Cell::maybe(kind.as_ref().and_then(|kind| kind.as_str())),
        Cell::maybe(efa.rate_gbps),
        Cell::maybe(listed),
        Cell::maybe(efa.tx_bytes.map(decimal_bytes)),
        Cell::maybe(efa.rx_bytes.map(decimal_bytes)),
        Cell::new(driver.into_iter().flatten().collect::<Vec<_>>().join(" ")),
    ]
}

fn efa_more(efa: &Efa) -> Vec<Cell> {
    vec![
        Cell::maybe(efa.mac.as_deref()),
        Cell::maybe(efa.firmware.as_deref()),
        Cell::maybe(efa.uverbs.as_deref()),
        Cell::maybe(efa.numa_node),
    ]
}

/// NVMe disks.
pub(super) fn disks(disks: &[Disk], paint: Paint) -> Vec<String> {
    let rows: Vec<_> = disks
        .iter()
        .map(|disk| {
            let kind = if disk.kind == "other" { &disk.model } else { disk.kind };
            vec![
                Cell::new(&disk.name),
                standing(disk.standing),
                Cell::new(decimal_bytes(disk.size)),
                Cell::new(kind),
                Cell::maybe(disk.volume_id.as_deref().or(disk.serial.as_deref())),
                Cell::new(disk.mounted.join(" ")),
            ]
        })
        .collect();
    lines(DISK, &rows, paint)
}

/// NVSwitches.
pub(super) fn switches(switches: &[NvSwitch], paint: Paint) -> Vec<String> {
    let row = |switch: &NvSwitch| {
        vec![Cell::new(&switch.pci), standing(switch.standing), Cell::maybe(switch.driver.as_deref())]
    };
    lines(SWITCH, &switches.iter().map(row).collect::<Vec<_>>(), paint)
}

fn shown(headings: &[&[Heading]; 2], rows: &[Vec<Cell>], more: bool, paint: Paint) -> Vec<String> {
    let headings = if more { headings.concat() } else { headings[0].to_vec() };
    lines(&headings, rows, paint)
}
