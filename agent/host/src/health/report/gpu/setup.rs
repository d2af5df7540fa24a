//! How a GPU is set up: multi-instance mode, firmware, what failed.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu as nvml;
use serde::Serialize;

use super::values::Values;

/// Multi-instance GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Mig {
    /// On now.
    pub enabled: bool,
    /// On after the next reset.
    pub pending: bool,
    /// MIG devices.
    pub instances: usize,
    /// What each is.
    pub devices: Vec<MigDevice>,
}

/// One MIG device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MigDevice {
    /// For example `MIG-…`.
    pub uuid: String,
    /// GPU instance id.
    pub gpu_instance: u32,
    /// Compute instance id.
    pub compute_instance: u32,
    /// Bytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_total: Option<u64>,
}

/// Firmware of the GPU's own processor (GSP).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Gsp {
    /// Its version; absent where the GPU runs without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether the GPU runs with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether it would if the driver were told nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_default: Option<bool>,
}

/// A call of NVML that failed in this look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Its name; `nvmlDeviceGetFieldValues[230]` is one field of many.
    pub call: String,
    /// NVML's error code.
    pub code: u32,
}

pub(super) fn mig(of: &mut Values, mig: &Reading<nvml::Mig>) -> Option<Mig> {
    let mig = of.value("mig", mig)?;
    let device = |one: nvml::MigInstance| {
        let nvml::MigInstance { uuid, gpu_instance, compute_instance, memory_total } = one;
        MigDevice { uuid, gpu_instance, compute_instance, memory_total }
    };
    Some(Mig {
        enabled: mig.enabled,
        pending: mig.pending,
        instances: mig.instances.len(),
        devices: mig.instances.into_iter().map(device).collect(),
    })
}

pub(super) fn gsp(of: &mut Values, gpu: &nvml::Gpu) -> Option<Gsp> {
    let mode = of.value("gsp.enabled", &gpu.gsp_mode);
    let gsp = Gsp {
        version: of.value("gsp.version", &gpu.gsp),
        enabled: mode.map(|mode| mode.enabled),
        by_default: mode.map(|mode| mode.by_default),
    };
    (gsp != Gsp::default()).then_some(gsp)
}

pub(super) fn failure((call, code): &(String, u32)) -> Failure {
    Failure { call: call.clone(), code: *code }
}
