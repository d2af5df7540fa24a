//! Decides what is to be done about the data volume. A pure function: the same observation gives the same plan,
//! whatever the order of the disks.

mod config;
mod disk;
mod refusal;
mod resume;
mod volume;

#[cfg(test)]
mod tests;

use uuid::Uuid;

pub use config::{ConfigError, Source, VolumeConfig, VolumeName};
pub use refusal::Refusal;

use super::array::Array;
use super::discover::Disk;
use super::intent::{DiskId, Intent, Layout, Phase};
use super::signature::Probe;
use super::usage::Use;

/// One disk and everything that was seen about it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// From [`super::discover()`].
    pub disk: Disk,
    /// From [`super::usage::Usage::of`].
    pub uses: Vec<Use>,
    /// From [`super::nvme_id::parse`], for EBS volumes.
    pub device_name: Option<String>,
    /// From [`super::probe`], or why it could not be had.
    pub probe: Result<Probe, String>,
}

/// One running or half-started array and everything that was seen about it.
#[derive(Clone, Debug)]
pub struct ArrayCandidate {
    /// From [`super::array::arrays`].
    pub array: Array,
    /// From [`super::usage::Usage::of`].
    pub uses: Vec<Use>,
    /// From [`super::probe`] of the md device.
    pub probe: Result<Probe, String>,
}

/// Everything that was seen.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Every NVMe disk.
    pub disks: Vec<Candidate>,
    /// Every md array.
    pub arrays: Vec<ArrayCandidate>,
}

/// What is wanted, and what is known from before.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// This instance, `i-…`.
    pub instance_id: &'a str,
    /// What the configuration asks for.
    pub config: &'a VolumeConfig,
    /// The record of an earlier creation, if there is one.
    pub intent: Option<&'a Intent>,
    /// Random ids for a new volume.
    pub fresh: Ids,
}

/// Random ids for a new volume; never reused for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The array's.
    pub array: Uuid,
    /// The file system's.
    pub filesystem: Uuid,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumePlan {
    /// Nothing, and that is right.
    Nothing(Why),
    /// The volume is whole and ours: mount it by its UUID. Nothing is written to any disk by this step.
    Mount {
        /// The kernel's name of the device: `nvme1n1` or `md127`.
        device: String,
        /// The file system's id.
        filesystem: Uuid,
        /// Whether it is mounted where it should be already.
        mounted: bool,
    },
    /// Our array is whole but not started: start it from exactly these members, then plan again.
    Assemble {
        /// The array's id.
        array: Uuid,
        /// By serial number.
        members: Vec<Part>,
        /// The id of the file system that is on it.
        filesystem: Uuid,
    },
    /// Every disk is blank: make the volume.
    Create(Create),
    /// An earlier creation was interrupted and may be done again.
    Resume(Create, Stage),
    /// Something is in the way; nothing is done to any disk.
    Refuse(Vec<Refusal>),
}

/// Why there is nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The configuration asks for no data volume.
    NotAsked,
    /// This machine has no instance-store disk.
    NoDisk,
}

/// A disk of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The kernel's name, for this boot only.
    pub name: String,
    /// What it is known by.
    pub id: DiskId,
}

/// A volume to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// One disk, or an array with its id.
    pub layout: Layout,
    /// The file system's id; its label is [`super::LABEL`].
    pub filesystem: Uuid,
    /// By serial number.
    pub members: Vec<Part>,
}

impl Create {
    /// The record to write before the first change.
    pub fn intent(&self, instance_id: &str) -> Intent {
        Intent {
            instance_id: instance_id.to_owned(),
            layout: self.layout,
            filesystem: self.filesystem,
            label: super::LABEL.to_owned(),
            members: self.members.iter().map(|part| part.id.clone()).collect(),
            phase: Phase::Planned,
        }
    }
}

/// Where an interrupted creation goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From the start, on the disks themselves. The members named carry our array's superblock from before, which
    /// has to be zeroed first.
    Members {
        /// The kernel's names.
        zero: Vec<String>,
    },
    /// The array runs and is not used by anything: make the file system on it.
    Filesystem {
        /// The kernel's name, for example `md127`.
        device: String,
    },
}

/// Decides.
pub fn plan(observed: &Observed, request: &Request<'_>) -> VolumePlan {
    let set = match config::select(&observed.disks, &request.config.source) {
        Ok(set) => set,
        Err(refusals) => return VolumePlan::Refuse(refusals),
    };
    match request.config.source {
        Source::Nothing => return VolumePlan::Nothing(Why::NotAsked),
        _ if set.is_empty() => return VolumePlan::Nothing(Why::NoDisk),
        _ => {}
    }
    let judged: Vec<_> =
        set.iter().map(|candidate| (*candidate, disk::judge(candidate, &observed.arrays))).collect();
    let mut refusals: Vec<_> =
        judged.iter().filter_map(|(_, standing)| standing.as_ref().err()).cloned().collect();
    refusals.extend(config::doubled(&set));
    if !refusals.is_empty() {
        return VolumePlan::Refuse(refusals);
    }
    let standings: Vec<_> =
        judged.into_iter().filter_map(|(candidate, standing)| Some((candidate, standing.ok()?))).collect();
    volume::decide(&standings, observed, request)
}

impl From<&Candidate> for Part {
    fn from(candidate: &Candidate) -> Self {
        Self { name: candidate.disk.name.clone(), id: DiskId::from(&candidate.disk) }
    }
}
