//! What NVML says of the GPUs.

mod event;
mod health;
mod link;
mod load;

pub use event::{GpuEvent, event_type};
pub use health::{Ecc, EccCounts, Fabric, Histogram, Pages, Remap, Sram};
pub use link::{Link, LinkErrors, Pcie};
pub use load::{
    Clocks, Memory, Mig, MigInstance, Power, Process, ProcessKind, Thermal, Throttled, Utilisation,
};

use serde::{Deserialize, Serialize};

use crate::Reading;

/// One look at every GPU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sweep {
    /// Driver and library.
    pub system: System,
    /// How many GPUs NVML counts: those that initialised, whether or not they still answer.
    pub count: Reading<u32>,
    /// One entry for each index below `count`, in that order. With `stuck`, those that were done by then: a call
    /// that hangs keeps its own GPU out, and GPUs after it only when four calls hang or NVML lets none past.
    pub gpus: Vec<Entry>,
    /// The call that did not come back before the deadline; of several the one that began first. It may be one that
    /// is about no GPU, such as `nvmlInit_v2`; then `count` was not asked for and there are no GPUs here.
    pub stuck: Option<Stuck>,
    /// Microseconds that the look took.
    pub took_us: u64,
    /// Microseconds of CPU time (user and system) that the look cost the probe.
    pub cpu_us: u64,
}

/// A call that does not come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stuck {
    /// NVML's name of the call, for example `nvmlDeviceGetFieldValues`; `dlopen` while the library is loaded.
    pub call: String,
    /// The GPU it is about, by PCI address where that is known.
    pub pci: Option<String>,
    /// The GPU's index, where the call is about one.
    pub index: Option<u32>,
    /// Milliseconds since it began.
    pub for_ms: u32,
}

/// Driver and library.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct System {
    /// The kernel driver, for example `580.95.05`.
    pub driver: Reading<String>,
    /// The library, for example `13.580.95.05`.
    pub nvml: Reading<String>,
    /// The newest CUDA that the driver can serve, major and minor.
    pub cuda: Reading<(u32, u32)>,
}

/// One GPU by index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Entry {
    /// It answered.
    Read(Box<Gpu>),
    /// There is no handle to be had, or it did not even say its PCI address.
    Unreachable {
        /// NVML's index.
        index: u32,
        /// PCI address, where it is known without the GPU's help: from an earlier look of the same probe, or from
        /// `/proc/driver/nvidia/gpus`.
        pci: Option<String>,
        /// NVML's code, for example 15 (`NVML_ERROR_GPU_IS_LOST`).
        code: u32,
    },
    /// Left out because [`crate::message::Want::Gpus`] said so.
    Skipped {
        /// NVML's index.
        index: u32,
        /// PCI address, where it is known without touching the GPU.
        pci: Option<String>,
    },
}

impl Entry {
    /// NVML's index.
    pub fn index(&self) -> u32 {
        match self {
            Self::Read(gpu) => gpu.index,
            Self::Unreachable { index, .. } | Self::Skipped { index, .. } => *index,
        }
    }
}

/// Whether a GPU runs with its GSP firmware; a setting of the driver decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GspMode {
    /// It does.
    pub enabled: bool,
    /// It does unless the driver is told otherwise.
    pub by_default: bool,
}

/// One GPU. What cannot change while the driver is loaded (identity, limits) is read once and remembered, so that it
/// is still known of a GPU that is lost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gpu {
    /// NVML's index.
    pub index: u32,
    /// Domain, bus, device and function as the kernel writes it: `0000:53:00.0`.
    pub pci: String,
    /// For example `GPU-8f6a…`.
    pub uuid: Reading<String>,
    /// The board's serial number.
    pub serial: Reading<String>,
    /// For example `NVIDIA H100 80GB HBM3`.
    pub product: Reading<String>,
    /// `nvmlDeviceArchitecture_t`: 2 Kepler … 7 Ampere, 8 Ada, 9 Hopper, 10 Blackwell.
    pub architecture: Reading<u32>,
    /// The VBIOS version.
    pub vbios: Reading<String>,
    /// The board's place in the machine (`nvmlDeviceGetModuleId`).
    pub module_id: Reading<u32>,
    /// The minor number N of `/dev/nvidiaN`.
    pub minor: Reading<u32>,
    /// The GSP firmware's version; not supported where the GPU runs without.
    pub gsp: Reading<String>,
    /// Whether the GPU runs with its GSP firmware (`nvmlDeviceGetGspFirmwareMode`).
    pub gsp_mode: Reading<GspMode>,
    /// Whether the driver keeps the GPU initialised.
    pub persistence: Reading<bool>,
    /// What the driver says must be done (`NVML_FI_DEV_GET_GPU_RECOVERY_ACTION`, field 230): 0 nothing, 1 GPU reset,
    /// 2 node reboot, 3 drain peer-to-peer, 4 drain and reset, 5 recover IMEX domain, 6 bus reset, 7 system reboot.
    pub recovery_action: Reading<u32>,
    /// Performance state: 0 is the fastest, 15 the slowest.
    pub pstate: Reading<u32>,
    /// Temperatures.
    pub thermal: Thermal,
    /// Clocks and what holds them down.
    pub clocks: Clocks,
    /// Power.
    pub power: Power,
    /// How busy it is.
    pub utilisation: Reading<Utilisation>,
    /// Frame buffer.
    pub memory: Reading<Memory>,
    /// Error correction.
    pub ecc: Ecc,
    /// Remapped rows: Ampere data-centre GPUs and later.
    pub remap: Reading<Remap>,
    /// Retired pages: before Ampere.
    pub pages: Reading<Pages>,
    /// One entry a link that the GPU has; empty where it has none.
    pub links: Vec<Link>,
    /// PCI Express.
    pub pcie: Pcie,
    /// The NVLink fabric.
    pub fabric: Reading<Fabric>,
    /// Multi-instance GPU.
    pub mig: Reading<Mig>,
    /// Whether the InfoROM's checksum is right (slow, see [`crate::message::Want::Gpus`]).
    pub info_rom_valid: Reading<bool>,
    /// Processes on it (slow); at most 1024 of a kind.
    pub processes: Reading<Vec<Process>>,
    /// Calls that failed in this look, by NVML's name, with the code; each pair once. One field of many is
    /// `nvmlDeviceGetFieldValues[230]`. After the first `NVML_ERROR_GPU_IS_LOST` (15) the GPU is asked nothing more:
    /// what is left reads [`Reading::Failed`] with 15 and is not listed.
    pub failures: Vec<(String, u32)>,
}
