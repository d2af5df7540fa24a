//! The steps, one file or folder each.

mod agent;
#[cfg(test)]
pub(crate) mod answers;
mod container_runtime;
mod data_volumes;
mod efa;
mod efas;
mod facts;
mod gpus;
mod health;
mod image;
pub(crate) mod kubelet;
mod limits;
mod nccl_env;
mod node_config;
mod nvidia_driver;
mod ofi_nccl;
mod sysctl;
pub(crate) mod systemd;
mod verify;

use std::sync::Arc;

pub(crate) use agent::UNIT_TEXT;
pub(crate) use kubelet::LABELS;
pub(crate) use node_config::is_node_config;

use crate::os::{FileSpec, Os};
use crate::step::{StepId, Steps};

/// All steps of a boot, in the order of [`crate::step::STEPS`]. `played`: the machine is played in a
/// folder, and NVML and libfabric are not asked about its devices, for this reason.
pub(crate) fn all(played: Option<&'static str>) -> Steps {
    let work: Steps = vec![
        Arc::new(sysctl::Sysctl),
        Arc::new(limits::Limits::default()),
        Arc::new(data_volumes::DataVolumes::default()),
        Arc::new(nvidia_driver::NvidiaDriver),
        Arc::new(efa::Efa),
        Arc::new(ofi_nccl::OfiNccl),
        Arc::new(played.map_or_else(health::Health::new, health::Health::of_played)),
        Arc::new(container_runtime::ContainerRuntime),
        Arc::new(nccl_env::NcclEnv),
        Arc::new(kubelet::Kubelet),
    ];
    let mut steps: Steps = vec![Arc::new(facts::FactsStep)];
    steps.extend(work.iter().cloned());
    steps.push(Arc::new(verify::Verify::new(work)));
    steps
}

/// The steps that make an image, in the same order: those whose work is the same for every instance. Disks, the kubelet
/// and the variables of NCCL are the first boot's.
pub(crate) fn for_image() -> Steps {
    let work: Steps = vec![
        Arc::new(sysctl::Sysctl),
        Arc::new(limits::Limits::default()),
        Arc::new(nvidia_driver::NvidiaDriver),
        Arc::new(efa::Efa),
        Arc::new(ofi_nccl::OfiNccl),
        Arc::new(container_runtime::ContainerRuntime),
        Arc::new(agent::Agent),
    ];
    let mut steps: Steps = vec![Arc::new(facts::FactsStep)];
    steps.extend(work.iter().cloned());
    steps.push(Arc::new(verify::Verify::new(work)));
    steps.push(Arc::new(image::Image::default()));
    steps
}

/// The steps of `steps`, for `--only`.
pub(crate) fn ids(steps: &Steps) -> Vec<StepId> {
    steps.iter().map(|step| step.id()).collect()
}

/// `write PATH` for each file that is not as it should be.
fn files_to_write(os: &Os, files: &[FileSpec]) -> Vec<String> {
    let differs = files.iter().filter(|file| !os.matches(file));
    differs.map(|file| format!("write {}", file.path.display())).collect()
}
