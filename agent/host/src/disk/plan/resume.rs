//! May an interrupted creation be done again? The only place from which anything that is not blank is ever
//! written to, so each rule stands alone and says no unless it is sure.
//!
//! Why `sb_inprogress` is proof: mkfs.xfs (6.1, seen by tracing it) opens the device with `O_EXCL | O_DIRECT`,
//! zeroes 128 KiB at each end, writes the superblock with the flag set, then everything else, and clears the flag
//! with its last write. Before the flag is set nothing but zeroes was written; while it is set nobody has mounted it.

use super::disk::Standing;
use super::volume::{Judged, has_exactly, held, parts};
use super::{ArrayCandidate, Create, Request, Stage, VolumePlan};
use crate::disk::intent::{DiskId, Intent, Layout};
use crate::disk::signature::{Content, MdSuper, Probe, Span, XfsSuper};

/// The plan to go on, where the record and the disks prove that everything on them is the beginning of our own
/// volume; otherwise `None`.
pub(super) fn resume(set: &[Judged<'_>], request: &Request<'_>) -> Option<VolumePlan> {
    let intent = request.intent?;
    let ids: Vec<_> = set.iter().map(|(candidate, _)| DiskId::from(&candidate.disk)).collect();
    if !intent.allows(request.instance_id, &ids) {
        return None;
    }
    let again = Create { layout: intent.layout, filesystem: intent.filesystem, members: parts(set) };
    let stage = match intent.layout {
        Layout::Single => single(set, intent)?,
        Layout::Raid0(id) => {
            let members = members(set, id)?;
            match set.iter().find_map(|(_, standing)| held(standing)) {
                Some(array) => running(array, set, &members, intent)?,
                None => stopped(&members, intent)?,
            }
        }
    };
    Some(VolumePlan::Resume(again, stage))
}

/// One disk, used by nothing, with nothing but an XFS superblock of ours on which mkfs is still at work.
fn single(set: &[Judged<'_>], intent: &Intent) -> Option<Stage> {
    let [(candidate, Standing::Volume(xfs))] = set else {
        return None;
    };
    let alone = candidate.uses.is_empty() && only_signature(candidate.probe.as_ref().ok()?);
    (alone && is_begun(xfs, intent)).then_some(Stage::Members { zero: Vec::new() })
}

/// A member that carries our array's superblock.
struct Begun<'a> {
    name: &'a str,
    md: &'a MdSuper,
    data: &'a [Span],
}

/// The disks that are not blank, if each of them holds the superblock of exactly our array and no other mark.
fn members<'a>(set: &'a [Judged<'_>], id: uuid::Uuid) -> Option<Vec<Begun<'a>>> {
    let begun = set.iter().filter(|(_, standing)| !matches!(standing, Standing::Blank));
    begun
        .map(|(candidate, standing)| {
            let probe = candidate.probe.as_ref().ok()?;
            let Standing::Member { md, .. } = standing else {
                return None;
            };
            let fits = md.array == id && md.raid_disks as usize == set.len() && only_signature(probe);
            fits.then_some(Begun { name: &candidate.disk.name, md, data: &probe.data })
        })
        .collect()
}

/// Whether our XFS is begun on the array, as its members show it: an XFS at the start of the contents may stand on
/// role 0 only, and must be ours with mkfs in progress. `None` where any other is seen: that forbids everything.
fn begun_on(members: &[Begun<'_>], intent: &Intent) -> Option<bool> {
    let fits = |member: &Begun<'_>, xfs: &XfsSuper| member.md.role == Some(0) && is_begun(xfs, intent);
    let firsts = || members.iter().filter_map(|member| Some((member, member.md.first.as_ref()?)));
    firsts().all(|(member, xfs)| fits(member, xfs)).then(|| firsts().next().is_some())
}

/// No array runs. Outside the superblocks everything must be zero; the contents may be written only if they begin
/// with our XFS in progress, which mkfs.xfs writes before anything else.
fn stopped(members: &[Begun<'_>], intent: &Intent) -> Option<Stage> {
    let begun = begun_on(members, intent)?;
    members
        .iter()
        .all(|member| is_explained(member, begun))
        .then(|| Stage::Members { zero: members.iter().map(|member| member.name.to_owned()).collect() })
}

/// The array runs, whole and unused, and is blank or begins with our XFS in progress.
fn running(
    array: &ArrayCandidate,
    set: &[Judged<'_>],
    members: &[Begun<'_>],
    intent: &Intent,
) -> Option<Stage> {
    let same =
        set.iter().all(|(_, standing)| held(standing).is_some_and(|a| a.array.name == array.array.name));
    let probe = array.probe.as_ref().ok()?;
    if !same || !has_exactly(array, set) || !array.uses.is_empty() {
        return None;
    }
    let begun = match probe.signatures.as_slice() {
        [] if probe.is_blank() => false,
        [signature] if signature.offset == 0 => match &signature.content {
            Content::Xfs(xfs) if is_begun(xfs, intent) => true,
            _ => return None,
        },
        _ => return None,
    };
    // The members say the same, or less, where their pages are older than the array's.
    let agrees = begun_on(members, intent).is_some_and(|seen| begun || !seen);
    (agrees && members.iter().all(|member| is_explained(member, begun)))
        .then(|| Stage::Filesystem { device: array.array.name.clone() })
}

fn is_begun(xfs: &XfsSuper, intent: &Intent) -> bool {
    xfs.in_progress && xfs.intact && xfs.uuid == intent.filesystem && xfs.label == intent.label
}

fn only_signature(probe: &Probe) -> bool {
    probe.signatures.len() == 1
}

/// Whether every byte that is not zero lies in our superblock, or in the contents where those may be written.
fn is_explained(member: &Begun<'_>, begun: bool) -> bool {
    let within =
        |span: &Span, range: &std::ops::Range<u64>| range.start <= span.first && span.last < range.end;
    member
        .data
        .iter()
        .all(|span| within(span, &member.md.header) || (begun && within(span, &member.md.payload)))
}
