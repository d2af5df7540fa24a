//! The NVMe disks of the machine, from sysfs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::identity::Identity;
use crate::Root;
use crate::root::ReadError;

/// Where sysfs lists block devices, partitions included.
pub(super) const BLOCK: &str = "/sys/class/block";

/// The kernel's number of a block device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DevNumber {
    /// The driver.
    pub major: u32,
    /// The device.
    pub minor: u32,
}

impl DevNumber {
    /// Reads `259:3`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.trim().split_once(':')?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for DevNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

/// One NVMe namespace that is a whole disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// The kernel's name, for example `nvme1n1`; another one after each boot.
    pub name: String,
    /// The kernel's number; absent where sysfs does not say, and then the disk is not usable.
    pub dev: Option<DevNumber>,
    /// Bytes.
    pub size: u64,
    /// Bytes in a logical block.
    pub logical_block: u32,
    /// Bytes in a physical block.
    pub physical_block: u32,
    /// The controller's or subsystem's model, padding removed.
    pub model: String,
    /// Its serial number, padding removed.
    pub serial: String,
    /// The namespace's world-wide name, where it has one.
    pub wwid: Option<String>,
    /// Whether the kernel refuses to write to it; also taken as true where sysfs does not say.
    pub read_only: bool,
    /// Partitions that the kernel knows.
    pub partitions: Vec<String>,
    /// What kind of disk it is.
    pub identity: Identity,
}

/// Every NVMe namespace of the machine, sorted by name.
///
/// # Errors
/// It cannot be seen what there is: that must never pass for "no disks" or "no partitions".
pub fn discover(root: &Root) -> Result<Vec<Disk>, ReadError> {
    let names = root.names_if_there(BLOCK)?.into_iter();
    names.filter(|name| is_namespace(name)).map(|name| disk(root, name)).collect()
}

/// `nvme1n1`, but not `nvme1n1p1` (a partition), `nvme0c1n1` (one path of several, hidden behind `nvme0n1`) or
/// `nvme1` (the controller).
fn is_namespace(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    name.strip_prefix("nvme")
        .and_then(|rest| rest.split_once('n'))
        .is_some_and(|(controller, namespace)| is_number(controller) && is_number(namespace))
}

fn disk(root: &Root, name: String) -> Result<Disk, ReadError> {
    let value = |leaf: &str| root.value(format!("{BLOCK}/{name}/{leaf}"));
    let number = |leaf: &str| value(leaf).and_then(|text| text.parse::<u64>().ok());
    let block = |leaf: &str| number(leaf).and_then(|n| u32::try_from(n).ok()).unwrap_or(512);
    // `device` leads to the controller, or to the subsystem where the kernel does native multipath; both have these.
    let model = value("device/model").unwrap_or_default();
    let serial = value("device/serial").unwrap_or_default();
    Ok(Disk {
        dev: value("dev").and_then(|text| DevNumber::parse(&text)),
        // sysfs counts in 512 bytes whatever the block size is.
        size: number("size").unwrap_or(0).saturating_mul(512),
        logical_block: block("queue/logical_block_size"),
        physical_block: block("queue/physical_block_size"),
        wwid: value("wwid").filter(|text| !text.is_empty()),
        read_only: value("ro").as_deref() != Some("0"),
        partitions: partitions(root, &name)?,
        identity: Identity::new(&model, &serial),
        model,
        serial,
        name,
    })
}

/// The children of a disk that are partitions. The kernel names them after the disk (`add_partition` in
/// `block/partitions/core.c`); nothing else of the dozens of entries is asked.
pub(super) fn partitions(root: &Root, name: &str) -> Result<Vec<String>, ReadError> {
    let folder = format!("{BLOCK}/{name}");
    let mut names = root.names_if_there(&folder)?;
    names.retain(|child| child.starts_with(name) && root.exists(format!("{folder}/{child}/partition")));
    Ok(names)
}

#[cfg(test)]
mod tests;
