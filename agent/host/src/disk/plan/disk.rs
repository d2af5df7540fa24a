//! One disk judged by itself: blank, ours, or refused.

use std::ops::Range;

use super::refusal::Refusal;
use super::{ArrayCandidate, Candidate};
use crate::disk::LABEL;
use crate::disk::signature::{Content, MdSuper, Probe, Signature, XfsSuper};
use crate::disk::usage::Use;
use crate::reason::{self, Reason};

/// What a disk that is not refused is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Standing<'a> {
    /// Proven blank, and used by nothing.
    Blank,
    /// An XFS with our label lies directly on it, whole or with mkfs still in progress.
    Volume(&'a XfsSuper),
    /// A member of an array with our name.
    Member {
        md: &'a MdSuper,
        /// The array that holds it, where one runs.
        array: Option<&'a ArrayCandidate>,
    },
}

/// Judges one disk.
pub(super) fn judge<'a>(
    candidate: &'a Candidate,
    arrays: &'a [ArrayCandidate],
) -> Result<Standing<'a>, Refusal> {
    let disk = &candidate.disk;
    let refuse =
        |reason: &'static Reason, found: String, offset| Err(Refusal::new(&disk.name, reason, found, offset));
    if let Some(found) = never_usable(candidate) {
        return refuse(&reason::DATA_DISK_IN_USE, found, None);
    }
    let probe = match &candidate.probe {
        Ok(probe) if probe.size == disk.size && disk.size > 0 && disk.dev.is_some() => probe,
        Ok(probe) => {
            let found = format!("{} bytes could be read where sysfs says {}", probe.size, disk.size);
            return refuse(&reason::DATA_DISK_UNREADABLE, found, None);
        }
        Err(error) => return refuse(&reason::DATA_DISK_UNREADABLE, error.clone(), None),
    };
    let Some(standing) = content(probe, arrays, &candidate.uses) else {
        return Err(unknown(candidate, probe));
    };
    match candidate.uses.iter().find(|how| !is_expected(how, &standing)) {
        Some(how) => refuse(&reason::DATA_DISK_IN_USE, how.to_string(), None),
        None => Ok(standing),
    }
}

/// A disk with contents that are neither blank nor ours.
fn unknown(candidate: &Candidate, probe: &Probe) -> Refusal {
    let (summary, offset) = probe.summary();
    let in_array = probe.signatures.iter().any(|signature| signature.name.ends_with("raid_member"));
    let reason = match candidate.uses.is_empty() {
        false => &reason::DATA_DISK_IN_USE,
        true if in_array => &reason::DATA_ARRAY_FOREIGN,
        true => &reason::DATA_DISK_HOLDS_DATA,
    };
    let uses = candidate.uses.iter().map(|how| format!("{how}; "));
    let found = uses.chain([format!("found {summary}")]).collect();
    Refusal::new(&candidate.disk.name, reason, found, offset)
}

/// What rules a disk out whatever is on it.
fn never_usable(candidate: &Candidate) -> Option<String> {
    if candidate.disk.read_only {
        return Some("read-only".to_owned());
    }
    if !candidate.disk.partitions.is_empty() {
        return Some(format!("has the partitions {}", candidate.disk.partitions.join(", ")));
    }
    let hard = |how: &&Use| matches!(how, Use::Swap(_) | Use::RootDevice(_) | Use::Partition(_));
    candidate.uses.iter().find(hard).map(ToString::to_string)
}

/// A mount of our own volume, or our own array's hold on its member.
fn is_expected(how: &Use, standing: &Standing<'_>) -> bool {
    match (how, standing) {
        (Use::Mounted { .. }, Standing::Volume(xfs)) => !xfs.in_progress,
        (Use::Holder(name) | Use::Below { device: name, .. }, Standing::Member { array: Some(held), .. }) => {
            *name == held.array.name
        }
        _ => false,
    }
}

fn content<'a>(probe: &'a Probe, arrays: &'a [ArrayCandidate], uses: &[Use]) -> Option<Standing<'a>> {
    if probe.is_blank() {
        return Some(Standing::Blank);
    }
    let ours = probe.signatures.iter().find_map(|signature| match &signature.content {
        Content::Xfs(xfs) if xfs.label == LABEL && xfs.intact && signature.offset == 0 => {
            Some((signature, Standing::Volume(xfs), 0..xfs.size))
        }
        Content::Md(md) if md.is_ours() => {
            let array = arrays.iter().find(|candidate| {
                let is_holder = |how: &Use| matches!(how, Use::Holder(name) if *name == candidate.array.name);
                uses.iter().any(is_holder)
            });
            Some((signature, Standing::Member { md, array }, md.payload.clone()))
        }
        _ => None,
    });
    let (own, standing, inside) = ours?;
    let alone = probe.signatures.iter().all(|other| other == own || is_inside(other, &inside));
    alone.then_some(standing)
}

/// Our superblock's own first part; no file of a user's lies there. mkfs.xfs zeroes the first 128 KiB, so a mark
/// of another format there is younger than our file system.
const HEAD: u64 = 64 << 10;

/// Whether a mark lies where the volume keeps users' files: the image of a foreign disk, say, whose end happens to
/// be the end of ours. It only stops us from writing, which is decided in `resume`, not from mounting.
fn is_inside(signature: &Signature, volume: &Range<u64>) -> bool {
    volume.start.saturating_add(HEAD) <= signature.offset && signature.offset < volume.end
}
