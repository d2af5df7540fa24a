//! What containerd is to be told, and the files that tell it. Pure: the same inputs give the same files.

use std::path::PathBuf;

use gpunode_host::Finding;
use gpunode_host::reason;
use toml_edit::DocumentMut;

use super::cdi::{self, Node};
use super::containerd::{self, NVIDIA_RUNTIME, Schema, Settings, Version};
use super::soci::{self, Parallel};
use super::toml_file::{self, EditError};
use crate::os::FileSpec;
use crate::steps::node_config::{DROP_INS, NodeConfig};

/// Sorts behind what image builders put there; the kubelet's comes after it.
pub(super) const NODEADM_FILE: &str = "80-gpunode-containerd.yaml";

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Containers get the NVIDIA runtime without asking.
    pub(super) nvidia_default: bool,
    pub(super) cdi: bool,
    pub(super) soci: Option<Parallel>,
}

/// What is known of the machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    /// `None` where it is not installed.
    pub(super) containerd: Option<Version>,
    /// The text of containerd's configuration.
    pub(super) config: Option<String>,
    pub(super) nodeadm: bool,
    /// Kubernetes, where nodeadm is.
    pub(super) kubelet: Option<Version>,
    /// What other NodeConfigs say to containerd.
    pub(super) others_config: String,
    /// The NVIDIA container runtime is installed.
    pub(super) nvidia_runtime: bool,
    /// The SOCI snapshotter and its unit are installed.
    pub(super) soci: bool,
    /// The text of the SOCI snapshotter's configuration.
    pub(super) soci_config: Option<String>,
    pub(super) unpigz: bool,
    /// Devices for the CDI specification.
    pub(super) nodes: Vec<Node>,
}

/// The files as they should be.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) files: Vec<FileSpec>,
    /// Files of ours that must not be there.
    pub(super) absent: Vec<PathBuf>,
    /// What `containerd config dump` must show; nothing where nodeadm writes the file later.
    pub(super) in_force: Settings,
    /// The SOCI snapshotter's unit must be enabled by us.
    pub(super) enable_soci: bool,
    pub(super) findings: Vec<Finding>,
    pub(super) summary: String,
}

pub(super) fn plan(machine: &Machine, wanted: Wanted) -> Result<Plan, EditError> {
    let mut plan = Plan { findings: missing(machine, wanted), ..Plan::default() };
    if wanted.cdi {
        plan.files.extend(cdi::file(&machine.nodes));
    }
    let parallel = wanted.soci.filter(|_| machine.soci);
    match machine.containerd {
        None => {}
        Some(version) if machine.nodeadm => {
            plan.files.extend(node_config(machine, version, wanted, parallel.is_some())?);
            if let Some(parallel) = parallel {
                plan.files.extend(soci::files_beside_nodeadm(parallel, machine.unpigz)?);
            }
        }
        Some(version) => {
            let settings = settings(machine, version, wanted, parallel.is_some());
            plan.files.extend(containerd::files(version, machine.config.as_deref(), settings)?);
            plan.in_force = settings;
            if let Some(parallel) = parallel {
                plan.files.extend(soci::files(parallel, machine.unpigz, machine.soci_config.as_deref())?);
                plan.enable_soci = true;
            }
        }
    }
    plan.absent =
        ours().into_iter().filter(|path| !plan.files.iter().any(|file| file.path == *path)).collect();
    plan.summary = summary(machine, wanted, parallel);
    Ok(plan)
}

/// Every file that is ours alone.
fn ours() -> Vec<PathBuf> {
    let drop_in = format!("{DROP_INS}/{NODEADM_FILE}");
    [cdi::PATH, containerd::DROP_IN, &drop_in].into_iter().chain(soci::OURS).map(PathBuf::from).collect()
}

/// What is asked for and cannot be had.
fn missing(machine: &Machine, wanted: Wanted) -> Vec<Finding> {
    let Some(version) = machine.containerd else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    if wanted.nvidia_default && !machine.nvidia_runtime {
        let message = format!("{NVIDIA_RUNTIME} is not there; containerd was not told to use it");
        findings.push(Finding::new(&reason::NVIDIA_RUNTIME_MISSING, NVIDIA_RUNTIME, message));
    }
    if wanted.cdi && version < Version::WITH_CDI {
        let message = format!("containerd {}.{} is installed; CDI needs 1.7", version.0, version.1);
        findings.push(Finding::new(&reason::CDI_UNSUPPORTED, "containerd", message));
    }
    if wanted.soci.is_some() && !machine.soci {
        let message =
            format!("{} or {} is not there; containerd keeps its own snapshotter", soci::PROGRAM, soci::UNIT);
        findings.push(Finding::new(&reason::SOCI_MISSING, soci::PROGRAM, message));
    }
    findings
}

fn settings(machine: &Machine, version: Version, wanted: Wanted, soci: bool) -> Settings {
    Settings {
        nvidia: machine.nvidia_runtime,
        default_runtime: (machine.nvidia_runtime && wanted.nvidia_default).then_some("nvidia"),
        runc: false,
        cdi: wanted.cdi && version >= Version::WITH_CDI,
        soci,
    }
}

/// Only what nodeadm does not do by itself: it makes the NVIDIA runtime the default wherever it is installed, and
/// leaves no other; it switches CDI on from Kubernetes 1.32 on.
fn node_config(
    machine: &Machine,
    version: Version,
    wanted: Wanted,
    soci: bool,
) -> Result<Option<FileSpec>, EditError> {
    let without_nvidia = machine.nvidia_runtime && !wanted.nvidia_default;
    let settings = Settings {
        runc: without_nvidia,
        default_runtime: without_nvidia.then_some("runc"),
        cdi: wanted.cdi
            && version >= Version::WITH_CDI
            && machine.kubelet.is_some_and(|kubelet| kubelet < Version(1, 32)),
        ..Settings::default()
    };
    let path = PathBuf::from(format!("{DROP_INS}/{NODEADM_FILE}"));
    let mut document = DocumentMut::new();
    toml_file::set_all(&path, &mut document, &settings.keys(schema(machine, version)))?;
    let node_config = NodeConfig {
        containerd_config: document.to_string(),
        feature_gates: if soci { vec!["FastImagePull"] } else { Vec::new() },
        ..NodeConfig::default()
    };
    Ok((!node_config.is_empty()).then(|| FileSpec::new(path, node_config.render())))
}

/// nodeadm takes all inline configuration together for one schema, version 3 as soon as one plugin of it is named; so
/// ours must be of the schema that others use.
fn schema(machine: &Machine, version: Version) -> Schema {
    match machine.others_config.trim() {
        "" => Schema::newest(version),
        config if config.contains("io.containerd.cri.v1.") => Schema::V3,
        _ => Schema::V2,
    }
}

fn summary(machine: &Machine, wanted: Wanted, parallel: Option<Parallel>) -> String {
    let mut parts = Vec::new();
    match machine.containerd {
        None => parts.push("containerd is not installed".to_owned()),
        Some(Version(major, minor)) => {
            parts.push(format!("containerd {major}.{minor}"));
            let nvidia = machine.nvidia_runtime.then_some(if wanted.nvidia_default {
                "nvidia default"
            } else {
                "nvidia"
            });
            parts.extend(nvidia.map(str::to_owned));
            parts.extend(parallel.map(|parallel| format!("SOCI {} downloads", parallel.downloads_per_image)));
        }
    }
    if wanted.cdi {
        parts.push(format!("host CDI with {} devices", machine.nodes.len()));
    }
    parts.join(", ")
}

/// Where an [`EditError`] is from, for the finding's subject.
pub(super) fn subject(error: &EditError) -> String {
    error.path().display().to_string()
}
