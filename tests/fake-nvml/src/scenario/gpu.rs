//! What can be said of a GPU.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One GPU. What is absent is not supported. Numbers are in NVML's units.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gpu {
    /// Every call about it returns `NVML_ERROR_GPU_IS_LOST`, but for the handle and the PCI address.
    pub lost: bool,
    /// Addresses of the GPUs of one machine; only a profile has them.
    pub addresses: Vec<String>,
    pub uuid: Option<String>,
    pub serial: Option<String>,
    pub product: Option<String>,
    pub architecture: Option<u32>,
    pub vbios: Option<String>,
    pub module_id: Option<u32>,
    pub minor: Option<u32>,
    pub gsp: Option<String>,
    /// Enabled, by default.
    pub gsp_mode: Option<[u32; 2]>,
    pub persistence: Option<u32>,
    pub pstate: Option<u32>,
    pub temperature: Option<u32>,
    pub margin: Option<i32>,
    /// Shutdown, slowdown, memory, GPU; 0 for one that the GPU does not have.
    pub thresholds: Option<[u32; 4]>,
    /// Streaming multiprocessors, memory, and the former's highest.
    pub clocks: Option<[u32; 3]>,
    pub event_reasons: Option<u64>,
    /// Nanoseconds: software thermal, hardware thermal, power brake; as fields, where the driver has them.
    pub throttled: Option<[i64; 3]>,
    /// Usage, limit, default limit, for the calls that are older than the fields.
    pub power: Option<[u32; 3]>,
    /// GPU, memory.
    pub utilisation: Option<[u32; 2]>,
    /// Total, reserved, used.
    pub memory: Option<[u64; 3]>,
    pub sram: Option<Sram>,
    /// Banks: max, high, partial, low, none.
    pub histogram: Option<[u32; 5]>,
    /// Width and its highest, generation and its highest.
    pub pcie: Option<[u32; 4]>,
    pub fabric: Option<Fabric>,
    pub mig: Option<Mig>,
    pub processes: Option<Vec<Process>>,
    pub info_rom_valid: Option<bool>,
    /// `nvmlDeviceGetSupportedEventTypes`.
    pub events: Option<u64>,
    /// Field values by id.
    pub fields: BTreeMap<String, i64>,
    /// How many links, and what each is like.
    pub links: Option<u32>,
    pub link: Link,
    /// What is different on one link, by number.
    pub link_with: BTreeMap<String, Link>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sram {
    pub threshold_exceeded: bool,
    /// Corrected, parity, double-bit.
    pub volatile: [u64; 3],
    pub aggregate: [u64; 3],
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fabric {
    pub state: u8,
    pub status: u32,
    pub clique: u32,
    pub cluster: [u8; 16],
    pub health_mask: u32,
    pub health_summary: u8,
    /// The newest struct that the library knows: 1, 2 or 3.
    pub version: u32,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mig {
    pub enabled: bool,
    pub pending: bool,
    pub instances: Vec<MigInstance>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MigInstance {
    /// NVML's numbers have gaps.
    pub index: u32,
    pub uuid: String,
    pub gpu_instance: u32,
    pub compute_instance: u32,
    pub memory: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Process {
    /// `compute`, `graphics` or `mps`.
    pub kind: String,
    pub pid: u32,
    /// Absent: not available.
    pub memory: Option<u64>,
}

/// One link. What is absent comes from the profile or, there too, is not supported.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Link {
    /// Field values by id.
    pub fields: BTreeMap<String, i64>,
    /// For `nvmlDeviceGetNvLinkState`, `…Version` and `…ErrorCounter` (replay, recovery, flits, data).
    pub state: Option<u32>,
    pub version: Option<u32>,
    pub counters: Option<[u64; 4]>,
    /// The other end.
    pub remote: Option<String>,
}

impl Gpu {
    /// What differs from GPU to GPU by nature.
    pub(super) fn number(&mut self, index: usize) {
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        self.uuid.get_or_insert_with(|| format!("GPU-00000000-0000-4000-8000-{number:012x}"));
        self.serial.get_or_insert_with(|| format!("16500{number:08}"));
        self.module_id.get_or_insert(number + 1);
        self.minor.get_or_insert(number);
    }
}
