//! NVLinks, the fabric behind them, and PCI Express.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu as nvml;
use serde::Serialize;

use super::values::Values;
use crate::health::judge::gpus::fabric_faults;

/// NVLinks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Nvlinks {
    /// That are up.
    pub active: usize,
    /// That the GPU has.
    pub total: usize,
    /// Each, by number.
    pub links: Vec<Nvlink>,
}

/// One NVLink.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Nvlink {
    /// Its number on the GPU.
    pub index: u32,
    /// Whether it is up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// The generation as NVML numbers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// PCI address of the other end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// What went wrong on it.
    pub errors: NvlinkErrors,
}

/// Errors of an NVLink since the driver loaded. Up to Hopper there are the first four, from Blackwell on the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NvlinkErrors {
    /// Data link replays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<u64>,
    /// Data link recoveries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery: Option<u64>,
    /// CRC errors of flits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc_flit: Option<u64>,
    /// CRC errors of data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc_data: Option<u64>,
    /// Packets received with an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receive: Option<u64>,
    /// Local link integrity errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_integrity: Option<u64>,
    /// Successful recoveries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<u64>,
    /// Failed recoveries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_failed: Option<u64>,
    /// Effective errors after correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<u64>,
}

/// What the GPU says of the NVLink fabric that it is registered with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Fabric {
    /// 0 not supported, 1 not started, 2 in progress, 3 completed.
    pub state: u32,
    /// NVML's code for the registration; says something only when `state` is 3.
    pub status: u32,
    /// Its clique.
    pub clique: u32,
    /// Its cluster, as a UUID; zeros outside a multi-node NVLink domain.
    pub cluster: String,
    /// Fields of two bits, 0 not supported, 1 true, 2 false: from bit 0 degraded bandwidth, from 2 route recovery, from 4 route unhealthy, from 6 access time-out recovery; four bits from 8: the configuration, 0 not supported, 1 right. Absent where the driver is older than 550.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_mask: Option<u32>,
    /// 0 not supported, 1 healthy, 2 unhealthy, 3 limited capacity. Absent where the library is older than this number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_summary: Option<u32>,
    /// What is wrong by the mask and the summary, in words.
    pub faults: Vec<&'static str>,
}

/// A PCI Express link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Pcie {
    /// Generation now; an idle GPU goes down to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// Generation at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation_max: Option<u32>,
    /// Lanes now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Lanes at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width_max: Option<u32>,
    /// Replays since the driver loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replays: Option<u64>,
    /// Correctable errors since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correctable: Option<u64>,
    /// Non-fatal errors since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub non_fatal: Option<u64>,
    /// Fatal errors since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fatal: Option<u64>,
}

pub(super) fn nvlinks(of: &mut Values, links: &[nvml::Link]) -> Option<Nvlinks> {
    let links: Vec<_> = links.iter().map(|link| nvlink(of, link)).collect();
    let active = links.iter().filter(|link| link.active == Some(true)).count();
    (!links.is_empty()).then_some(Nvlinks { active, total: links.len(), links })
}

fn nvlink(of: &mut Values, link: &nvml::Link) -> Nvlink {
    let errors = &link.errors;
    Nvlink {
        index: link.index,
        active: of.value("nvlinks.links.active", &link.active),
        version: of.value("nvlinks.links.version", &link.version),
        remote: of.value("nvlinks.links.remote", &link.remote),
        errors: NvlinkErrors {
            replay: of.value("nvlinks.links.errors.replay", &errors.replay),
            recovery: of.value("nvlinks.links.errors.recovery", &errors.recovery),
            crc_flit: of.value("nvlinks.links.errors.crcFlit", &errors.crc_flit),
            crc_data: of.value("nvlinks.links.errors.crcData", &errors.crc_data),
            receive: of.value("nvlinks.links.errors.receive", &errors.receive),
            local_integrity: of.value("nvlinks.links.errors.localIntegrity", &errors.local_integrity),
            recovered: of.value("nvlinks.links.errors.recovered", &errors.recovered),
            recovery_failed: of.value("nvlinks.links.errors.recoveryFailed", &errors.recovery_failed),
            effective: of.value("nvlinks.links.errors.effective", &errors.effective),
        },
    }
}

pub(super) fn fabric(of: &mut Values, fabric: &Reading<nvml::Fabric>) -> Option<Fabric> {
    let fabric = of.value("fabric", fabric)?;
    let faults = fabric_faults(&fabric);
    let nvml::Fabric { state, status, clique, cluster, health_mask, health_summary } = fabric;
    Some(Fabric { state, status, clique, cluster, health_mask, health_summary, faults })
}

pub(super) fn pcie(of: &mut Values, pcie: &nvml::Pcie) -> Pcie {
    Pcie {
        generation: of.value("pcie.generation", &pcie.generation),
        generation_max: of.value("pcie.generationMax", &pcie.generation_max),
        width: of.value("pcie.width", &pcie.width),
        width_max: of.value("pcie.widthMax", &pcie.width_max),
        replays: of.value("pcie.replays", &pcie.replays),
        correctable: of.value("pcie.correctable", &pcie.correctable),
        non_fatal: of.value("pcie.nonFatal", &pcie.non_fatal),
        fatal: of.value("pcie.fatal", &pcie.fatal),
    }
}
