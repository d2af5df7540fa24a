//! Looks at the disks: identity, use, contents.

use std::thread::{self, ScopedJoinHandle};

use gpunode_host::disk::plan::{ArrayCandidate, Candidate, Observed, Source};
use gpunode_host::disk::usage::Usage;
use gpunode_host::disk::{Disk, Identity, Probe, Use, VolumeConfig, array, discover, signature};
use gpunode_host::reason;

use super::direct::Direct;
use super::identify;
use crate::os::Os;
use crate::step::{Failure, chain};

/// What was seen.
pub(super) struct Seen {
    pub(super) observed: Observed,
}

impl Seen {
    /// Looks at every disk that could be part of the volume, and reads none of the others.
    pub(super) fn look(os: &Os, config: &VolumeConfig) -> Result<Self, Failure> {
        let usage = Usage::read(os.root())?;
        // One thread a disk: the proof reads 13 MiB of each, and they do not wait for each other.
        let disks = thread::scope(|scope| {
            let looks: Vec<_> = discover(os.root())
                .into_iter()
                .map(|disk| scope.spawn(|| candidate(os, config, usage.of(&disk.name), disk)))
                .collect();
            looks.into_iter().map(ScopedJoinHandle::join).collect::<Result<Vec<_>, _>>()
        })
        .map_err(|_| {
            Failure::new(&reason::STEP_PANICKED, "data-volumes", "a bug in gpunode ended the look at a disk")
        })?;
        let mut arrays = Vec::new();
        for array in array::arrays(os.root()) {
            let uses = usage.of(&array.name);
            let probe = probe(os, &array.name, &array.name, &uses);
            arrays.push(ArrayCandidate { array, uses, probe });
        }
        Ok(Self { observed: Observed { disks, arrays } })
    }

    /// How many disks of the wanted kind there are, and their bytes together.
    pub(super) fn size_of_set(&self, config: &VolumeConfig) -> (usize, u64) {
        let sizes: Vec<_> = self
            .observed
            .disks
            .iter()
            .filter(|candidate| is_of_interest(&candidate.disk.identity, config) && candidate.probe.is_ok())
            .map(|candidate| candidate.disk.size)
            .collect();
        (sizes.len(), sizes.iter().sum())
    }
}

fn candidate(os: &Os, config: &VolumeConfig, uses: Vec<Use>, disk: Disk) -> Candidate {
    let device_name = match disk.identity {
        Identity::Ebs { .. } => identify::device_name(os, &disk.name),
        Identity::InstanceStore | Identity::Other(_) => None,
    };
    let probe = if is_of_interest(&disk.identity, config) {
        probe(os, &disk.name, &disk.serial, &uses)
    } else {
        Err("not part of the volume, so not read".to_owned())
    };
    Candidate { disk, uses, device_name, probe }
}

fn is_of_interest(identity: &Identity, config: &VolumeConfig) -> bool {
    match (&config.source, identity) {
        (Source::InstanceStore, Identity::InstanceStore) | (Source::Ebs(_), Identity::Ebs { .. }) => true,
        (Source::Nothing | Source::InstanceStore | Source::Ebs(_), _) => false,
    }
}

/// Reads what is on a device. A device that is mounted cannot be written by any plan, so its marks are enough; the
/// proof that a disk is blank reads 13 MiB and is left for those that could be.
fn probe(os: &Os, name: &str, salt: &str, uses: &[Use]) -> Result<Probe, String> {
    let mounted = uses.iter().any(|how| matches!(how, Use::Mounted { .. } | Use::Below { .. }));
    let look = |device| if mounted { signature::marks(device) } else { signature::probe(device, salt) };
    // The kernel refuses to open a device exclusively that it has in use (mounted, in an array, swap): open(2).
    let exclusive = uses.is_empty();
    Direct::open(&os.device(name), exclusive)
        .and_then(look)
        .map_err(|error| format!("cannot be read: {}", chain(&error)))
}
