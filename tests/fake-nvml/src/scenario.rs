//! What a scenario file can say.

mod gpu;

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Table;

pub use gpu::{Fabric, Gpu, Link, Mig, MigInstance, Process, Sram};

/// A whole scenario file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// Versions.
    pub system: System,
    /// What `nvmlInit_v2` returns.
    pub init: u32,
    /// The profile that every GPU starts from: a file of `profiles/`.
    pub profile: String,
    /// How many GPUs there are; without it as many as the profile has addresses.
    pub count: Option<usize>,
    /// PCI addresses instead of the profile's.
    pub pci: Option<Vec<String>>,
    /// What is different on one GPU, by index: anything that a profile can say.
    pub gpu: BTreeMap<String, Table>,
    /// What is different on every GPU.
    pub every: Table,
    /// Faults by NVML's name of the call, then by `gpuN`, `system` (calls about no GPU) or `all`.
    pub calls: BTreeMap<String, BTreeMap<String, Fault>>,
    /// Functions that answer `NVML_ERROR_FUNCTION_NOT_FOUND`.
    pub missing: Vec<String>,
    /// The highest id that `nvmlDeviceGetFieldValues` knows; without it 273.
    pub highest_field: Option<u32>,
    /// Events, oldest first. Those that are there at a registration are in its past; later ones are delivered.
    pub events: Vec<Event>,
    /// Appends a line to `calls` beside the library for each call: its name and the GPU's index.
    pub trace: bool,
}

/// Versions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct System {
    /// Of the kernel driver.
    pub driver: String,
    /// Of the library.
    pub nvml: String,
    /// CUDA's, as NVML writes it: 13000 is 13.0.
    pub cuda: i32,
}

impl Default for System {
    fn default() -> Self {
        Self { driver: "580.95.05".into(), nvml: "13.580.95.05".into(), cuda: 13000 }
    }
}

/// What a call does instead of answering.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    /// Never comes back.
    pub hang: bool,
    /// Takes this long, then answers.
    pub hang_ms: u64,
    /// Ends the process by a signal.
    pub crash: bool,
    /// Returns this.
    pub code: Option<u32>,
}

/// An event, or an error of the waiting.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Event {
    /// On which GPU.
    pub gpu: usize,
    /// A bit of `nvmlEventType…`.
    pub kind: u64,
    /// For an XID its number.
    pub data: u64,
    /// GPU instance and compute instance.
    pub mig: Option<(u32, u32)>,
    /// What `nvmlEventSetWait_v2` returns instead.
    pub code: Option<u32>,
}

/// The profiles by name.
pub const PROFILES: &[(&str, &str)] = &[
    ("v100", include_str!("../profiles/v100.toml")),
    ("t4", include_str!("../profiles/t4.toml")),
    ("a10g", include_str!("../profiles/a10g.toml")),
    ("a100", include_str!("../profiles/a100.toml")),
    ("l4", include_str!("../profiles/l4.toml")),
    ("l40s", include_str!("../profiles/l40s.toml")),
    ("h100", include_str!("../profiles/h100.toml")),
    ("h200", include_str!("../profiles/h200.toml")),
    ("b200", include_str!("../profiles/b200.toml")),
];

impl Scenario {
    /// Reads a scenario.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// Every GPU, with its PCI address.
    pub fn gpus(&self) -> Result<Vec<(String, Gpu)>, String> {
        let text = PROFILES.iter().find(|(name, _)| *name == self.profile);
        let (_, text) = text.ok_or_else(|| format!("profile {:?}: there is none", self.profile))?;
        let profile: Table = text.parse().map_err(|error| format!("profile {}: {error}", self.profile))?;
        let first: Gpu = profile.clone().try_into().map_err(|error| format!("{}: {error}", self.profile))?;
        let addresses = self.pci.as_ref().unwrap_or(&first.addresses);
        let count = self.count.unwrap_or(addresses.len());
        (0..count)
            .map(|index| {
                let address = addresses.get(index).ok_or(format!("GPU {index} has no address"))?;
                let mut table = profile.clone();
                merge(&mut table, &self.every);
                if let Some(own) = self.gpu.get(&index.to_string()) {
                    merge(&mut table, own);
                }
                let mut gpu: Gpu = table.try_into().map_err(|error| format!("GPU {index}: {error}"))?;
                gpu.number(index);
                Ok((address.clone(), gpu))
            })
            .collect()
    }
}

/// Lays `over` over `table`; tables inside tables are merged, everything else is replaced.
fn merge(table: &mut Table, over: &Table) {
    for (key, value) in over {
        match (table.get_mut(key).and_then(toml::Value::as_table_mut), value.as_table()) {
            (Some(inner), Some(over)) => merge(inner, over),
            _ => drop(table.insert(key.clone(), value.clone())),
        }
    }
}
