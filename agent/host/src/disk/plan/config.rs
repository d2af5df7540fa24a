//! Which disks the configuration means.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Candidate;
use super::refusal::Refusal;
use crate::disk::identity::Identity;
use crate::disk::nvme_id;
use crate::reason;

/// What the configuration asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeConfig {
    /// Which disks.
    pub source: Source,
    /// Where the volume is to be mounted.
    pub mount_path: PathBuf,
}

/// Which disks make up the volume. One kind only: instance store is gone when the instance stops, so a volume made
/// of both would lose what EBS keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// None.
    Nothing,
    /// Every instance-store disk.
    InstanceStore,
    /// Exactly these EBS volumes.
    Ebs(Vec<VolumeName>),
}

/// How an EBS volume is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VolumeName {
    /// `vol-…`
    Id(String),
    /// The device name of its attachment, without `/dev/`.
    Device(String),
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Both kinds were asked for.
    #[error("instance store and EBS volumes ({0}) cannot make up one data volume: ask for one of them")]
    Both(String),
    /// A volume's name is neither an id nor a device name.
    #[error(
        "{0:?} is no EBS volume: `vol-` and 8 or 17 hexadecimal digits, or a device name such as /dev/sdf"
    )]
    Name(String),
}

impl VolumeConfig {
    /// From the options as people write them.
    pub fn new(instance_store: bool, ebs: &[String], mount_path: PathBuf) -> Result<Self, ConfigError> {
        let source = match (instance_store, ebs) {
            (true, [_, ..]) => return Err(ConfigError::Both(ebs.join(", "))),
            (true, []) => Source::InstanceStore,
            (false, []) => Source::Nothing,
            (false, names) => {
                let mut names =
                    names.iter().map(|name| VolumeName::parse(name)).collect::<Result<Vec<_>, _>>()?;
                names.sort();
                names.dedup();
                Source::Ebs(names)
            }
        };
        Ok(Self { source, mount_path })
    }
}

impl VolumeName {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::Name(text.to_owned());
        if text.starts_with("vol-") {
            return match Identity::new(crate::disk::identity::EBS_MODEL, text) {
                Identity::Ebs { volume_id } => Ok(Self::Id(volume_id)),
                _ => Err(wrong()),
            };
        }
        nvme_id::device_name(text).map(Self::Device).ok_or_else(wrong)
    }

    fn fits(&self, candidate: &Candidate) -> bool {
        match (&candidate.disk.identity, self) {
            (Identity::Ebs { volume_id }, Self::Id(id)) => volume_id == id,
            (Identity::Ebs { .. }, Self::Device(name)) => candidate.device_name.as_ref() == Some(name),
            _ => false,
        }
    }
}

/// The disks of the set, by serial number; or the volumes that are named and not there.
pub(super) fn select<'a>(
    disks: &'a [Candidate],
    source: &Source,
) -> Result<Vec<&'a Candidate>, Vec<Refusal>> {
    let mut missing = Vec::new();
    let mut set: Vec<&Candidate> = match source {
        Source::Nothing => Vec::new(),
        Source::InstanceStore => {
            disks.iter().filter(|candidate| candidate.disk.identity == Identity::InstanceStore).collect()
        }
        Source::Ebs(names) => {
            for name in names {
                if !disks.iter().any(|candidate| name.fits(candidate)) {
                    let (VolumeName::Id(text) | VolumeName::Device(text)) = name;
                    let found = "no NVMe disk of this instance is this EBS volume".to_owned();
                    missing.push(Refusal::new(text, &reason::DATA_VOLUME_MISSING, found, None));
                }
            }
            disks.iter().filter(|candidate| names.iter().any(|name| name.fits(candidate))).collect()
        }
    };
    set.sort_by(|a, b| (&a.disk.serial, &a.disk.name).cmp(&(&b.disk.serial, &b.disk.name)));
    if missing.is_empty() { Ok(set) } else { Err(missing) }
}

/// Disks that cannot be told apart: no serial number, or one that another disk of the set has too, as when one disk
/// is seen over two paths.
pub(super) fn doubled(set: &[&Candidate]) -> Vec<Refusal> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for candidate in set {
        *count.entry(&candidate.disk.serial).or_default() += 1;
    }
    set.iter()
        .map(|candidate| &candidate.disk)
        .filter(|disk| disk.serial.is_empty() || count.get(disk.serial.as_str()).is_some_and(|&n| n > 1))
        .map(|disk| {
            let found = format!("its serial number {:?} does not tell it from other disks", disk.serial);
            Refusal::new(&disk.name, &reason::DATA_VOLUME_AMBIGUOUS, found, None)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_one_source_or_an_error() {
        let new = |store, ebs: &[&str]| {
            let ebs: Vec<_> = ebs.iter().map(ToString::to_string).collect();
            VolumeConfig::new(store, &ebs, "/mnt/data".into()).map(|config| config.source)
        };
        assert_eq!(new(false, &[]), Ok(Source::Nothing));
        assert_eq!(new(true, &[]), Ok(Source::InstanceStore));
        let both = [VolumeName::Id("vol-0123456789abcdef0".to_owned()), VolumeName::Device("sdf".to_owned())];
        assert_eq!(new(false, &["/dev/sdf", "vol-0123456789abcdef0", "sdf"]), Ok(Source::Ebs(both.to_vec())),);
        assert!(matches!(new(true, &["sdf"]), Err(ConfigError::Both(_))));
        for wrong in ["vol-12", "vol-0123456789abcdeg0", "", "/dev/", "/dev/mapper/x", "SDF"] {
            assert_eq!(new(false, &[wrong]), Err(ConfigError::Name(wrong.to_owned())));
        }
    }
}
