//! The disks judged together: mount, assemble, create, go on, or refuse.

use super::disk::Standing;
use super::refusal::Refusal;
use super::{ArrayCandidate, Candidate, Create, Observed, Part, Request, VolumePlan, resume};
use crate::disk::intent::Layout;
use crate::disk::signature::{Content, MdSuper, XfsSuper};
use crate::disk::usage::Use;
use crate::reason::{self, Reason};

/// A disk with what it is.
pub(super) type Judged<'a> = (&'a Candidate, Standing<'a>);

/// Decides about a set in which no disk is refused by itself.
pub(super) fn decide(set: &[Judged<'_>], observed: &Observed, request: &Request<'_>) -> VolumePlan {
    if set.iter().all(|(_, standing)| matches!(standing, Standing::Blank)) {
        return VolumePlan::Create(create(set, request));
    }
    match existing(set, observed, request) {
        Ok(plan) => plan,
        Err(refusals) => match resume::resume(set, request) {
            Some(plan) => plan,
            None => VolumePlan::Refuse(refusals),
        },
    }
}

fn create(set: &[Judged<'_>], request: &Request<'_>) -> Create {
    let layout = if set.len() == 1 { Layout::Single } else { Layout::Raid0(request.fresh.array) };
    Create { layout, filesystem: request.fresh.filesystem, members: parts(set) }
}

pub(super) fn parts(set: &[Judged<'_>]) -> Vec<Part> {
    set.iter().map(|(candidate, _)| Part::from(*candidate)).collect()
}

/// Mounts or assembles what is whole; otherwise says what is missing.
fn existing(
    set: &[Judged<'_>],
    observed: &Observed,
    request: &Request<'_>,
) -> Result<VolumePlan, Vec<Refusal>> {
    if let [(candidate, Standing::Volume(xfs))] = set {
        return if xfs.is_ours(candidate.disk.size) {
            mount(&candidate.disk.name, &candidate.uses, xfs, request)
        } else {
            Err(all(set, &reason::DATA_VOLUME_INTERRUPTED, "its XFS is not whole"))
        };
    }
    let members: Vec<&MdSuper> = set
        .iter()
        .filter_map(|(_, standing)| match standing {
            Standing::Member { md, .. } => Some(*md),
            Standing::Blank | Standing::Volume(_) => None,
        })
        .collect();
    whole_array(set, &members)?;
    let running: Vec<_> = set.iter().filter_map(|(_, standing)| held(standing)).collect();
    if let [first, ..] = running.as_slice() {
        let same = running.len() == set.len() && running.iter().all(|a| a.array.name == first.array.name);
        if !same || !has_exactly(first, set) {
            return Err(all(set, &reason::DATA_ARRAY_DEGRADED, "its array runs without all of its members"));
        }
        return on_array(first, set, request);
    }
    if let Some(array) = observed.arrays.iter().find(|a| a.array.uuid == Some(members[0].array)) {
        let found = format!("{} has the id of its array and other members", array.array.name);
        return Err(all(set, &reason::DATA_VOLUME_AMBIGUOUS, &found));
    }
    // Role 0 of a RAID0 begins with the array's first chunk.
    let first = members.iter().find(|md| md.role == Some(0)).and_then(|md| md.first.as_ref());
    let room = members.iter().map(|md| md.payload.end - md.payload.start).sum();
    match first {
        Some(xfs) if xfs.is_ours(room) => {
            Ok(VolumePlan::Assemble { array: members[0].array, members: parts(set), filesystem: xfs.uuid })
        }
        _ => Err(all(set, &reason::DATA_VOLUME_INTERRUPTED, "its array holds no whole XFS of ours")),
    }
}

/// Whether the set is exactly one array of ours with each place filled once.
fn whole_array(set: &[Judged<'_>], members: &[&MdSuper]) -> Result<(), Vec<Refusal>> {
    let Some(first) = members.first() else {
        return Err(all(set, &reason::DATA_VOLUME_AMBIGUOUS, "it is not the only disk of the set"));
    };
    let one = members.iter().all(|md| md.array == first.array && md.raid_disks == first.raid_disks);
    let mut roles: Vec<_> = members.iter().filter_map(|md| md.role).map(u32::from).collect();
    roles.sort_unstable();
    if !one || set.iter().any(|(_, standing)| matches!(standing, Standing::Volume(_))) {
        return Err(all(set, &reason::DATA_VOLUME_AMBIGUOUS, "the set holds more than one volume of ours"));
    }
    if roles.len() != members.len() || !roles.iter().copied().eq(0..first.raid_disks) {
        let found =
            format!("our array {} has {} of its {} members", first.array, members.len(), first.raid_disks);
        return Err(all(set, &reason::DATA_ARRAY_DEGRADED, &found));
    }
    if members.len() != set.len() {
        let found = format!("our array {} is whole without some disks of the set", first.array);
        return Err(all(set, &reason::DATA_VOLUME_AMBIGUOUS, &found));
    }
    Ok(())
}

/// A running array whose members are the set: mount what is on it.
fn on_array(
    array: &ArrayCandidate,
    set: &[Judged<'_>],
    request: &Request<'_>,
) -> Result<VolumePlan, Vec<Refusal>> {
    let name = &array.array.name;
    let unreadable =
        |found: &str| vec![Refusal::new(name, &reason::DATA_DISK_UNREADABLE, found.to_owned(), None)];
    let probe = array.probe.as_ref().map_err(|error| unreadable(error))?;
    let ours = probe.signatures.iter().find_map(|signature| match &signature.content {
        Content::Xfs(xfs) if signature.offset == 0 && xfs.is_ours(probe.size) => Some(xfs),
        _ => None,
    });
    if let Some(xfs) = ours {
        return mount(name, &array.uses, xfs, request);
    }
    let (summary, _) = probe.summary();
    Err(all(set, &reason::DATA_VOLUME_INTERRUPTED, &format!("its array {name} holds {summary}")))
}

fn mount(
    device: &str,
    uses: &[Use],
    xfs: &XfsSuper,
    request: &Request<'_>,
) -> Result<VolumePlan, Vec<Refusal>> {
    let refuse = |how: &Use| vec![Refusal::new(device, &reason::DATA_DISK_IN_USE, how.to_string(), None)];
    if let Some(how) = uses.iter().find(|how| !matches!(how, Use::Mounted { .. })) {
        return Err(refuse(how));
    }
    let is_here = |how: &Use| {
        matches!(how, Use::Mounted { point, root }
            if *point == request.config.mount_path && root.as_os_str() == "/")
    };
    let mounted = uses.iter().any(is_here);
    // Mounted only elsewhere: someone else's doing. Bind mounts besides the right place are ours.
    match uses.first() {
        Some(how) if !mounted => Err(refuse(how)),
        _ => Ok(VolumePlan::Mount { device: device.to_owned(), filesystem: xfs.uuid, mounted }),
    }
}

pub(super) fn held<'a>(standing: &Standing<'a>) -> Option<&'a ArrayCandidate> {
    match standing {
        Standing::Member { array, .. } => *array,
        Standing::Blank | Standing::Volume(_) => None,
    }
}

/// Whether the array runs, whole, from the disks of the set and nothing else.
pub(super) fn has_exactly(array: &ArrayCandidate, set: &[Judged<'_>]) -> bool {
    let mut names: Vec<_> = set.iter().map(|(candidate, _)| &candidate.disk.name).collect();
    let mut members: Vec<_> = array.array.members.iter().map(|member| &member.name).collect();
    names.sort();
    members.sort();
    array.array.is_whole() && array.array.level == "raid0" && names == members
}

/// A refusal for every disk of the set that is not blank: each is part of what is wrong.
fn all(set: &[Judged<'_>], reason: &'static Reason, found: &str) -> Vec<Refusal> {
    set.iter()
        .filter(|(_, standing)| !matches!(standing, Standing::Blank))
        .map(|(candidate, _)| Refusal::new(&candidate.disk.name, reason, found.to_owned(), None))
        .collect()
}
