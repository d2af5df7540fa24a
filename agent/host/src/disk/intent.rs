//! The record that is written, durably and away from the disks, before the first change to any of them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::discover::Disk;

/// A disk by what does not change at a boot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiskId {
    /// Serial number, as the controller says it.
    pub serial: String,
    /// Model, as the controller says it.
    pub model: String,
    /// Bytes.
    pub size: u64,
}

impl From<&Disk> for DiskId {
    fn from(disk: &Disk) -> Self {
        Self { serial: disk.serial.clone(), model: disk.model.clone(), size: disk.size }
    }
}

/// How the disks make up the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Layout {
    /// One disk, the file system directly on it.
    Single,
    /// A RAID0 array with this id.
    Raid0(Uuid),
}

/// How far the creation is known to have come. A phase is recorded after what it names is done, so the disks may be
/// ahead of the record and never behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Nothing is done yet.
    Planned,
    /// The array runs.
    ArrayMade,
    /// mkfs.xfs has ended well: from here on the volume may hold data.
    Formatted,
}

/// What is about to be made, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Intent {
    /// The instance that makes it; a root disk that was copied to another instance carries a record that does not
    /// count there.
    pub instance_id: String,
    /// One disk, or an array with its id.
    pub layout: Layout,
    /// The file system's id.
    pub filesystem: Uuid,
    /// The file system's label.
    pub label: String,
    /// The disks, sorted.
    pub members: Vec<DiskId>,
    /// How far it has come.
    pub phase: Phase,
}

impl Intent {
    /// Whether this record allows `instance` to make the volume on exactly `disks` again.
    pub(super) fn allows(&self, instance: &str, disks: &[DiskId]) -> bool {
        let sorted = |ids: &[DiskId]| {
            let mut ids = ids.to_vec();
            ids.sort();
            ids
        };
        !self.instance_id.is_empty()
            && self.instance_id == instance
            && self.phase < Phase::Formatted
            && self.label == super::LABEL
            && sorted(&self.members) == sorted(disks)
    }
}
