//! Looks at the disks: identity, use, contents.

use std::thread::{self, ScopedJoinHandle};

use gpunode_host::disk::plan::{ArrayCandidate, Candidate, Observed, Source};
use gpunode_host::disk::usage::Usage;
use gpunode_host::disk::{Disk, Identity, Memory, Probe, Use, VolumeConfig, array, discover, signature};
use gpunode_host::reason;

use super::direct::Direct;
use super::identify;
use super::queue::Queues;
use super::scratch::Scratch;
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
        let queues = Queues::default();
        let disks: Vec<_> = discover(os.root())?
            .into_iter()
            .map(|disk| {
                let uses = usage.of(&disk.name);
                let proof = is_of_interest(&disk.identity, config) && !is_mounted(&uses);
                (disk, uses, proof)
            })
            .collect();
        let mut scratch = Scratch::new(disks.iter().filter(|(_, _, proof)| *proof).count());
        let (mut parts, mut small) = (scratch.parts(), Memory::default());
        // One thread a disk: the proof reads 9 MiB of each, and they do not wait for each other. The others need none.
        let disks = thread::scope(|scope| {
            let look = |disk: Disk, uses: Vec<Use>, memory: &mut [u8]| {
                candidate(os, config, uses, disk, &queues, memory)
            };
            let looks: Vec<_> = disks
                .into_iter()
                .map(|(disk, uses, proof)| match if proof { parts.next() } else { None } {
                    Some(memory) => Look::Begun(scope.spawn(move || look(disk, uses, memory))),
                    None => Look::Later(disk, uses),
                })
                .collect();
            let end = |begun| match begun {
                Look::Begun(thread) => thread.join(),
                Look::Later(disk, uses) => Ok(look(disk, uses, small.bytes())),
            };
            looks.into_iter().map(end).collect::<Result<Vec<_>, _>>()
        })
        .map_err(|_| {
            Failure::new(&reason::STEP_PANICKED, "data-volumes", "a bug in gpunode ended the look at a disk")
        })?;
        let mut arrays = Vec::new();
        for array in array::arrays(os.root())? {
            let uses = usage.of(&array.name);
            let probe = probe(os, &array.name, &array.name, &uses, &queues, small.bytes());
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

/// A look at one disk.
enum Look<'scope> {
    Begun(ScopedJoinHandle<'scope, Candidate>),
    /// Short enough to be done while others are at work.
    Later(Disk, Vec<Use>),
}

fn candidate(
    os: &Os,
    config: &VolumeConfig,
    uses: Vec<Use>,
    disk: Disk,
    queues: &Queues,
    memory: &mut [u8],
) -> Candidate {
    let device_name = match disk.identity {
        Identity::Ebs { .. } => identify::device_name(os, &disk.name),
        Identity::InstanceStore | Identity::Other(_) => None,
    };
    let probe = if is_of_interest(&disk.identity, config) {
        probe(os, &disk.name, &disk.serial, &uses, queues, memory)
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

fn is_mounted(uses: &[Use]) -> bool {
    uses.iter().any(|how| matches!(how, Use::Mounted { .. } | Use::Below { .. }))
}

/// Reads what is on a device. A device that is mounted cannot be written by any plan, so its marks are enough; the
/// proof that a disk is blank reads 9 MiB and is left for those that could be.
fn probe(
    os: &Os,
    name: &str,
    salt: &str,
    uses: &[Use],
    queues: &Queues,
    memory: &mut [u8],
) -> Result<Probe, String> {
    let look = |device| {
        if is_mounted(uses) {
            signature::marks_in(device, memory)
        } else {
            signature::probe_in(device, salt, memory)
        }
    };
    // The kernel refuses to open a device exclusively that it has in use (mounted, in an array, swap): open(2).
    let exclusive = uses.is_empty();
    Direct::open(&os.device(name), exclusive, queues)
        .and_then(look)
        .map_err(|error| format!("cannot be read: {}", chain(&error)))
}
