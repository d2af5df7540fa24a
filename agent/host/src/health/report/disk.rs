//! Disks in a report.

use std::io::ErrorKind;

use serde::Serialize;

use super::{SourceState, Standing};
use crate::Root;
use crate::bounded::Guarded;
use crate::disk::discover::{self, DevNumber};
use crate::disk::identity::Identity;
use crate::disk::mount::{self, Mount};
use crate::root::ReadError;

/// The disks of a machine, for who looks again and again and must not wait for a mount that stands.
#[derive(Debug, Default)]
pub struct Disks(Guarded<Result<Vec<Disk>, ReadError>>);

impl Disks {
    /// Every NVMe disk.
    ///
    /// # Errors
    /// How the source of disks fares, where they cannot be seen, or the kernel does not tell in time.
    pub fn look(&mut self, root: &Root) -> Result<Vec<Disk>, SourceState> {
        let root = root.clone();
        match self.0.ask(mount::PATIENCE, move || Disk::all(&root)) {
            Some(listed) => listed.map_err(|error| SourceState::NotAvailable(error.words())),
            None => Err(SourceState::Silent("the kernel did not tell of them in time".to_owned())),
        }
    }
}

/// One NVMe disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Disk {
    /// The kernel's name, for example `nvme1n1`; another one after each boot.
    pub name: String,
    /// `instance-store`, `ebs`, or `other`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The controller's model.
    pub model: String,
    /// The controller's serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// `vol-…` of an EBS volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Where it, or a partition of it, is mounted. What lies on an array of several disks is not followed.
    pub mounted: Vec<String>,
    /// How it fares.
    pub standing: Standing,
}

impl Disk {
    /// Every NVMe disk of the machine. Where there is no table of mounts, as in a tree that was copied, none is mounted.
    fn all(root: &Root) -> Result<Vec<Self>, ReadError> {
        let mounts = match mount::table(root) {
            Err(error) if error.source.kind() == ErrorKind::NotFound => Vec::new(),
            table => table?,
        };
        Ok(discover::discover(root)?.into_iter().map(|disk| Self::new(root, disk, &mounts)).collect())
    }

    fn new(root: &Root, disk: discover::Disk, mounts: &[Mount]) -> Self {
        let partitions = disk.partitions.iter().filter_map(|name| number(root, name));
        let numbers: Vec<DevNumber> = disk.dev.into_iter().chain(partitions).collect();
        let (kind, volume_id) = match disk.identity {
            Identity::InstanceStore => ("instance-store", None),
            Identity::Ebs { volume_id } => ("ebs", Some(volume_id)),
            Identity::Other(_) => ("other", None),
        };
        // Bind mounts of its folders are the same file system once more.
        let whole = |mount: &&Mount| mount.root.as_os_str() == "/" && numbers.contains(&mount.dev);
        let mut mounted: Vec<_> =
            mounts.iter().filter(whole).map(|mount| mount.point.display().to_string()).collect();
        mounted.dedup();
        Self {
            name: disk.name,
            kind,
            model: disk.model,
            serial: Some(disk.serial).filter(|serial| !serial.is_empty()),
            volume_id,
            size: disk.size,
            mounted,
            standing: Standing::default(),
        }
    }
}

fn number(root: &Root, name: &str) -> Option<DevNumber> {
    root.value(format!("/sys/class/block/{name}/dev")).and_then(|text| DevNumber::parse(&text))
}
