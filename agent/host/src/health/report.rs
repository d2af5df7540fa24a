//! What a look found, as one document: what `check --json` prints and every table is made from.
//!
//! Its form is versioned: fields are added within a version, and are taken away or change their meaning only with
//! another [`SCHEMA`]. A field that is absent is not known, or the device does not have it.

mod disk;
mod efa;
mod gpu;
mod instance;
mod nv_switch;
#[cfg(test)]
mod schema;
mod source;
mod standing;
#[cfg(test)]
mod tests;
mod versions;
mod watch;

pub use disk::{Disk, Disks};
pub use efa::{Efa, EfaState, Listed};
pub use gpu::{
    Clocks, Ecc, ErrorCounts, Fabric, Failure, Gpu, GpuState, Gsp, Histogram, Mig, MigDevice, Nvlink,
    NvlinkErrors, Nvlinks, Pcie, Remap, RetiredPages, Sram, TemperatureLimits, Throttled,
};
pub use instance::Instance;
pub use nv_switch::NvSwitch;
pub use source::{SourceName, SourceReport, SourceState};
pub use standing::{Standing, Verdict};
pub use versions::SoftwareVersions;
pub use watch::{WATCH_SCHEMA, Watch, WatchEvent};

use serde::Serialize;

use super::{Health, Present, Source};

/// The JSON Schema of [`Report`], made from the type.
pub fn json_schema() -> String {
    crate::carried::unpack(include_bytes!(concat!(env!("OUT_DIR"), "/check.schema.json.zlib")))
}

/// The JSON Schema of [`Watch`] without its definitions, which are those of [`json_schema`]: carried twice they would
/// be a good part of a small program. The whole one is `data/watch.schema.json`.
pub const WATCH_HEAD: &str = include_str!("../../data/watch.head.json");

/// The form of [`Report`].
pub const SCHEMA: &str = "gpunode.io/check/v1";

/// All that one look found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `gpunode.io/check/v1`
    pub schema: &'static str,
    /// When the look ended, in milliseconds since 1970.
    pub time_unix_ms: u64,
    /// What it comes to.
    pub verdict: Verdict,
    /// Where the verdict is `unknown`: what could not be told, one sentence a source.
    pub unknown: Vec<String>,
    /// Who this machine is.
    pub instance: Instance,
    /// Where all this comes from, and what did not answer.
    pub sources: Vec<SourceReport>,
    /// GPUs, by NVML's index, then by PCI address.
    pub gpus: Vec<Gpu>,
    /// NVSwitches on the PCI bus, by address.
    pub nv_switches: Vec<NvSwitch>,
    /// EFA interfaces: every device, every PCI function without one, every interface of the instance without either.
    pub efa: Vec<Efa>,
    /// RDMA devices that are not EFA, by name: the NVLink management ports of a B200 board, or what does not belong
    /// there. One that programs cannot open hides every EFA device from libfabric, which is a finding of its own.
    pub other_rdma: Vec<String>,
    /// What the machine should have.
    pub expected: Expected,
    /// NVMe disks, by name.
    pub disks: Vec<Disk>,
    /// Drivers and libraries.
    pub versions: SoftwareVersions,
    /// What is wrong, worst first.
    pub findings: Vec<Present>,
}

/// What the machine should have, as far as anybody says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// GPUs of the instance type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpus: Option<u32>,
    /// EFA interfaces: by the operator's word, else by the instance type's full layout where that many can be attached,
    /// else by what is attached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efa: Option<u32>,
}

/// What a report needs that no source of health tells.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Who this machine is.
    pub instance: Instance,
    /// Its disks, or how their source fares where they could not be seen.
    pub disks: Result<Vec<Disk>, SourceState>,
    /// Now, in milliseconds since 1970.
    pub time_unix_ms: u64,
}

impl Default for Machine {
    fn default() -> Self {
        Self { instance: Instance::default(), disks: Ok(Vec::new()), time_unix_ms: 0 }
    }
}

impl Report {
    /// The report of what `health` knows, with how each source fared.
    pub fn new<'a>(
        health: &Health,
        sources: impl IntoIterator<Item = (&'a Source, SourceState)>,
        machine: Machine,
    ) -> Self {
        let known = health.known();
        let findings = health.findings();
        let sources = source::all(health, sources, machine.disks.as_ref().err());
        let (verdict, unknown) = standing::verdict(&findings, &sources);
        let mut disks = machine.disks.unwrap_or_default();
        for disk in &mut disks {
            disk.standing = Standing::of_disk(&findings, &disk.name);
        }
        Self {
            schema: SCHEMA,
            time_unix_ms: machine.time_unix_ms,
            verdict,
            unknown,
            instance: machine.instance,
            gpus: gpu::all(known, &findings),
            nv_switches: nv_switch::all(known, &findings),
            efa: efa::all(known, &findings, &sources),
            other_rdma: known
                .efa
                .iter()
                .flat_map(|efa| &efa.others)
                .map(|other| other.name.clone())
                .collect(),
            expected: Expected { gpus: health.setup().expect.gpus, efa: health.setup().efa.count() },
            disks,
            versions: SoftwareVersions::new(known),
            sources,
            findings,
        }
    }
}
