//! What uses a disk: mounts, swap, partitions, and devices stacked on it, however deep.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use super::discover::{BLOCK, DevNumber, partitions};
use super::mount::{self, Mount, parse_swaps, unescape};
use crate::Root;
use crate::root::ReadError;

/// One way in which a disk is used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// A file system directly on the disk is mounted.
    Mounted {
        /// Where.
        point: PathBuf,
        /// Which folder of it; `/` unless it is a bind mount.
        root: PathBuf,
    },
    /// A file system on something that lies on the disk is mounted.
    Below {
        /// The mounted device, for example `nvme0n1p1` or `dm-0`.
        device: String,
        /// Where.
        point: PathBuf,
    },
    /// It is swap, or carries it.
    Swap(String),
    /// The kernel command line names it as the root device.
    RootDevice(String),
    /// The kernel knows partitions on it.
    Partition(String),
    /// A device is stacked directly on it, for example `md127` or `dm-0`.
    Holder(String),
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mounted { point, .. } => write!(f, "mounted on {}", point.display()),
            Self::Below { device, point } => {
                write!(f, "below {device}, which is mounted on {}", point.display())
            }
            Self::Swap(device) => write!(f, "swap is on {device}"),
            Self::RootDevice(named) => write!(f, "the root device ({named})"),
            Self::Partition(name) => write!(f, "has the partition {name}"),
            Self::Holder(name) => write!(f, "held by {name}"),
        }
    }
}

/// Everything that uses block devices, by the kernel's name of the device. A device that is not listed is not used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage(BTreeMap<String, BTreeSet<Use>>);

impl Usage {
    /// What uses the device `name`, sorted.
    pub fn of(&self, name: &str) -> Vec<Use> {
        self.0.get(name).into_iter().flatten().cloned().collect()
    }

    /// Looks at the machine.
    ///
    /// # Errors
    /// When the mount table, the swap table, the command line or a folder of the block devices is there but cannot be
    /// read, or the mount table is absent: an unread table must never pass for "nothing is mounted".
    pub fn read(root: &Root) -> Result<Self, ReadError> {
        let mounts = mount::table(root)?;
        let swaps = root.read_text("/proc/swaps")?.unwrap_or_default();
        let cmdline = root.read_text("/proc/cmdline")?.unwrap_or_default();
        let devices = Devices::read(root)?;
        let mut usage = Self::default();
        for (name, device) in &devices.0 {
            for holder in &device.holders {
                usage.add(name, Use::Holder(holder.clone()));
            }
            if let Some(disk) = &device.disk {
                usage.add(disk, Use::Partition(name.clone()));
            }
        }
        for mount in mounts {
            usage.add_mount(&devices, root, &mount);
        }
        for swap in parse_swaps(&swaps) {
            if let Some(name) = devices.by_path(root, &swap) {
                usage.add_all(&devices.below(&name), &Use::Swap(name));
            }
        }
        if let Some(named) = cmdline.split_whitespace().find_map(|word| word.strip_prefix("root="))
            && let Some(name) = devices.by_path(root, &root_path(named))
        {
            usage.add_all(&devices.below(&name), &Use::RootDevice(named.to_owned()));
        }
        Ok(usage)
    }

    fn add_mount(&mut self, devices: &Devices, root: &Root, mount: &Mount) {
        // btrfs and some overlays have anonymous numbers (major 0); then only the source names a device.
        let Some(name) = devices.by_number(mount.dev).or_else(|| devices.by_path(root, &mount.source)) else {
            return;
        };
        for below in devices.below(&name) {
            let point = mount.point.clone();
            let how = if below == name {
                Use::Mounted { point, root: mount.root.clone() }
            } else {
                Use::Below { device: name.clone(), point }
            };
            self.add(&below, how);
        }
    }

    fn add(&mut self, name: &str, how: Use) {
        self.0.entry(name.to_owned()).or_default().insert(how);
    }

    fn add_all(&mut self, names: &BTreeSet<String>, how: &Use) {
        for name in names {
            self.add(name, how.clone());
        }
    }
}

/// The path that udev gives to what `root=` names.
fn root_path(named: &str) -> String {
    for (tag, folder) in [
        ("PARTUUID=", "by-partuuid"),
        ("UUID=", "by-uuid"),
        ("LABEL=", "by-label"),
        ("PARTLABEL=", "by-partlabel"),
    ] {
        if let Some(value) = named.strip_prefix(tag) {
            return format!("/dev/disk/{folder}/{}", unescape(value.trim_matches('"')));
        }
    }
    named.to_owned()
}

/// The block devices and how they are stacked.
struct Devices(BTreeMap<String, Device>);

#[derive(Default)]
struct Device {
    dev: Option<DevNumber>,
    /// The name that device-mapper shows.
    mapper: Option<String>,
    /// The disk that this is a partition of.
    disk: Option<String>,
    slaves: Vec<String>,
    holders: Vec<String>,
}

impl Devices {
    fn read(root: &Root) -> Result<Self, ReadError> {
        let mut devices: BTreeMap<String, Device> = BTreeMap::new();
        for name in root.names_if_there(BLOCK)? {
            let folder = format!("{BLOCK}/{name}");
            let device = devices.entry(name.clone()).or_default();
            device.dev = root.value(format!("{folder}/dev")).and_then(|text| DevNumber::parse(&text));
            device.mapper = root.value(format!("{folder}/dm/name"));
            device.slaves = root.names_if_there(format!("{folder}/slaves"))?;
            device.holders = root.names_if_there(format!("{folder}/holders"))?;
            for child in partitions(root, &name)? {
                devices.entry(child).or_default().disk = Some(name.clone());
            }
        }
        Ok(Self(devices))
    }

    fn by_number(&self, dev: DevNumber) -> Option<String> {
        self.0.iter().find(|(_, device)| device.dev == Some(dev)).map(|(name, _)| name.clone())
    }

    /// The device behind a path in `/dev`, through udev's links.
    fn by_path(&self, root: &Root, path: &str) -> Option<String> {
        let inside = path.strip_prefix("/dev/")?;
        if self.0.contains_key(inside) {
            return Some(inside.to_owned());
        }
        if let Some(mapper) = inside.strip_prefix("mapper/")
            && let Some((name, _)) =
                self.0.iter().find(|(_, device)| device.mapper.as_deref() == Some(mapper))
        {
            return Some(name.clone());
        }
        let target = std::fs::read_link(root.at(path)).ok()?;
        let name = Path::new(&target).file_name()?.to_str()?;
        self.0.contains_key(name).then(|| name.to_owned())
    }

    /// The device itself and everything it lies on: its disk, its slaves, and theirs.
    fn below(&self, name: &str) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(name) = open.pop() {
            if let Some(device) = self.0.get(&name)
                && seen.insert(name)
            {
                open.extend(device.slaves.iter().chain(&device.disk).cloned());
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests;
