//! What a step is, and the table of all steps. Documentation, `--only`, `--skip` and the graph are made from it.

use std::sync::Arc;
use std::time::Duration;

use gpunode_host::Finding;
use gpunode_host::reason::{self, Reason};
use serde::{Serialize, Serializer};

use crate::context::Context;
use crate::os::{Os, RunError, WriteError};

/// One row of the table of steps.
#[derive(Debug)]
pub(crate) struct StepInfo {
    pub(crate) id: StepId,
    /// As it is written in `--only`, reports and logs.
    pub(crate) name: &'static str,
    /// What it does, for the table in the README.
    pub(crate) about: &'static str,
    /// Steps that must have succeeded before.
    pub(crate) needs: &'static [StepId],
    /// Steps that must have ended before, however they ended.
    pub(crate) after: &'static [StepId],
    /// How long the whole step may take, in seconds, when the configuration does not say otherwise.
    pub(crate) deadline_s: u64,
}

macro_rules! steps {
    ($($id:ident = $name:literal, $deadline:literal, [$($needs:ident),*], [$($after:ident),*], $about:literal;)+) => {
        /// The steps of a boot.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum StepId { $($id),+ }

        /// Every step, in the order of the documentation; each stands behind what it waits for.
        pub(crate) const STEPS: &[StepInfo] = &[$(StepInfo {
            id: StepId::$id,
            name: $name,
            about: $about,
            needs: &[$(StepId::$needs),*],
            after: &[$(StepId::$after),*],
            deadline_s: $deadline,
        }),+];
    };
}

// Deadlines: facts waits for IMDS (30 s by default); data-volumes for mkfs and mdadm on up to 8 disks; the hardware
// steps for devices that appear late (p5en shows its EFAs up to 15 s late), for a download (10 min) and an installer
// that builds a kernel module (15 min); health, and verify with it, for a fabric that comes up (180 s) and for a GPU
// that hangs (60 s).
steps! {
    Facts = "facts", 60, [], [],
        "IMDSv2 identity, user data, OS, kernel, catalogue entry, merged configuration";
    Sysctl = "sysctl", 60, [Facts], [],
        "BBR and fq, socket buffers; now and after every boot";
    Limits = "limits", 120, [Facts], [],
        "memlock and open files for services and logins, huge pages for EFA";
    DataVolumes = "data-volumes", 300, [Facts], [],
        "NVMe data disks: RAID0 when several, XFS, mounted by UUID, container and kubelet folders bound onto it";
    NvidiaDriver = "nvidia-driver", 1200, [Facts], [],
        "the NVIDIA driver is installed where there is none, loaded, in the right version and flavour, with its fabric manager";
    Efa = "efa", 1800, [Facts], [],
        "EFA's software is installed where it is absent or older than asked for, its driver is loaded, every expected interface is there";
    OfiNccl = "ofi-nccl", 1800, [Facts], [Efa],
        "the OFI-NCCL plugin is present where the host is expected to have it, fits, can be loaded and is found by the linker";
    Health = "health", 300, [Facts], [DataVolumes, NvidiaDriver, OfiNccl],
        "GPUs, EFA and disks by the rules of `check`, before the node joins";
    ContainerRuntime = "container-runtime", 120, [Facts], [NvidiaDriver, DataVolumes],
        "containerd: NVIDIA runtime, CDI, the host CDI spec, SOCI parallel pull";
    NcclEnv = "nccl-env", 60, [Facts], [Efa, OfiNccl],
        "the NCCL and libfabric variables that this type and these versions need, in every place that reads them";
    Agent = "agent", 60, [Facts], [],
        "`install` only: the agent itself and its systemd unit, enabled";
    Kubelet = "kubelet", 60, [], [Facts, Sysctl, Limits, DataVolumes, NvidiaDriver, Efa, OfiNccl, Health, ContainerRuntime, NcclEnv],
        "labels and taints handed to nodeadm; the not-ready taint or the halt when a step failed";
    Verify = "verify", 300, [], [Sysctl, Limits, NvidiaDriver, Efa, OfiNccl, ContainerRuntime, Agent, Kubelet],
        "everything is looked at once more, the devices too where that is over 5 s ago; report to the journal and to a file";
    Image = "image", 60, [Facts, Verify], [],
        "`install` only: `/etc/gpunode/image.json` says what the image was made of";
}

impl StepId {
    pub(crate) fn info(self) -> &'static StepInfo {
        // The macro writes the enum and the table from the same rows, in the same order.
        &STEPS[self as usize]
    }

    pub(crate) fn name(self) -> &'static str {
        self.info().name
    }
}

impl Serialize for StepId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl StepInfo {
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_s)
    }
}

/// What a look at the machine found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Check {
    /// What would have to be changed, one plain line each; empty when all is as it should be.
    pub(crate) changes: Vec<String>,
    /// What is true and worth telling, whether or not something has to be changed.
    pub(crate) findings: Vec<Finding>,
    /// The state in a few words, for the table: `bbr + fq`, `8 disks, raid0, 30.4 TB`.
    pub(crate) summary: String,
    /// Why the step has nothing to do on this machine.
    pub(crate) not_applicable: bool,
}

impl Check {
    pub(crate) fn done(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), ..Self::default() }
    }

    pub(crate) fn not_applicable(why: impl Into<String>) -> Self {
        Self { summary: why.into(), not_applicable: true, ..Self::default() }
    }
}

/// Why a step did not do its work: one finding, with the whole chain of causes in its message.
#[derive(Clone, Debug)]
pub(crate) struct Failure(pub(crate) Box<Finding>);

impl Failure {
    pub(crate) fn new(reason: &Reason, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self(Box::new(Finding::new(reason, subject, message)))
    }

    /// A failure of `reason` caused by `error`.
    pub(crate) fn of(reason: &Reason, subject: impl Into<String>, error: &dyn std::error::Error) -> Self {
        Self::new(reason, subject, chain(error))
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let reason = match &error {
            RunError::NotFound { .. } => &reason::COMMAND_MISSING,
            RunError::Deadline { .. } => &reason::COMMAND_HUNG,
            RunError::Start { .. } | RunError::Cancelled { .. } | RunError::Failed { .. } => {
                &reason::COMMAND_FAILED
            }
        };
        let subject = match &error {
            RunError::NotFound { program } => program.clone(),
            RunError::Start { command, .. }
            | RunError::Deadline { command, .. }
            | RunError::Cancelled { command }
            | RunError::Failed { command, .. } => command.split(' ').next().unwrap_or_default().to_owned(),
        };
        Self::of(reason, subject, &error)
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::of(&reason::FILE_NOT_WRITTEN, error.path.display().to_string(), &error)
    }
}

impl From<gpunode_host::root::ReadError> for Failure {
    fn from(error: gpunode_host::root::ReadError) -> Self {
        Self::of(&reason::FILE_NOT_READ, error.path.display().to_string(), &error)
    }
}

/// An error and everything that caused it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The first four of a list and the number of the others: what fits into a message that a person reads.
pub(crate) fn few(items: &[String]) -> String {
    const SHOWN: usize = 4;
    match items.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{} and {more} more", items[..SHOWN].join(", ")),
        Some(0) | None => items.join(", "),
    }
}

/// One thing that a boot does. `check` looks and changes nothing; `apply` makes the next `check` find nothing to
/// change, and may be killed anywhere.
pub(crate) trait Step: Send + Sync {
    fn id(&self) -> StepId;
    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure>;
    fn apply(&self, cx: &Context, os: &Os) -> Result<(), Failure>;
}

pub(crate) type Steps = Vec<Arc<dyn Step>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_stands_behind_what_it_waits_for() {
        for (position, step) in STEPS.iter().enumerate() {
            assert_eq!(step.id as usize, position);
            for before in step.needs.iter().chain(step.after) {
                assert!((*before as usize) < position, "{} waits for {}", step.name, before.name());
            }
        }
    }
}
