// A test that gets another plan than it must get says which by ending there; and short closures and builders that
// take values keep each case on one line.
#![allow(clippy::panic, clippy::needless_pass_by_value, clippy::semicolon_if_nothing_returned)]

use uuid::Uuid;

use super::*;
use crate::disk::array::Member;
use crate::disk::discover::DevNumber;
use crate::disk::forge::{DATA, our_md, our_xfs};
use crate::disk::identity::{EBS_MODEL, INSTANCE_STORE_MODEL, Identity};
use crate::disk::signature::{Content, MdSuper, Signature, Span, XfsSuper};
use crate::reason;

mod create;
mod existing;
mod properties;
mod resume;

pub(super) const SIZE: u64 = 1 << 40;
pub(super) const INSTANCE: &str = "i-0123456789abcdef0";
pub(super) const MOUNT: &str = "/mnt/k8s-disks/0";
pub(super) const FRESH: Ids = Ids { array: Uuid::from_u128(0xa1), filesystem: Uuid::from_u128(0xf1) };
/// The ids of the creation that an intent tells of.
pub(super) const OLD: Ids = Ids { array: Uuid::from_u128(0xa0), filesystem: Uuid::from_u128(0xf0) };

pub(super) fn blank() -> Probe {
    Probe { size: SIZE, signatures: Vec::new(), data: Vec::new() }
}

/// A disk with these marks; bytes are not zero where each mark stands.
pub(super) fn marked(signatures: Vec<Signature>) -> Probe {
    let data = signatures
        .iter()
        .map(|s| match &s.content {
            Content::Md(md) => Span { first: s.offset, last: md.header.end - 1 },
            _ => Span { first: s.offset, last: s.offset + 3 },
        })
        .collect();
    Probe { size: SIZE, signatures, data }
}

pub(super) fn mark(name: &'static str, offset: u64) -> Signature {
    Signature { name, offset, content: Content::Plain }
}

pub(super) fn xfs(super_block: XfsSuper) -> Probe {
    marked(vec![Signature { name: "xfs", offset: 0, content: Content::Xfs(super_block) }])
}

pub(super) fn begun() -> XfsSuper {
    XfsSuper { in_progress: true, ..our_xfs(OLD.filesystem, SIZE) }
}

/// A member of the old array; where `first` is given, its contents begin with that.
pub(super) fn member(role: u16, raid_disks: u32, first: Option<XfsSuper>) -> Probe {
    let md = MdSuper { first: first.clone(), ..our_md(OLD.array, role, raid_disks, SIZE) };
    let mut probe =
        marked(vec![Signature { name: "linux_raid_member", offset: 4096, content: Content::Md(md) }]);
    if first.is_some() {
        probe.data.push(Span { first: DATA, last: DATA + 400 });
    }
    probe
}

pub(super) fn store(index: usize, probe: Probe) -> Candidate {
    let serial = format!("AWS{index:04}");
    candidate(index, INSTANCE_STORE_MODEL, serial, probe)
}

pub(super) fn ebs(index: usize, probe: Probe) -> Candidate {
    candidate(index, EBS_MODEL, format!("vol{index:017}"), probe)
}

pub(super) fn candidate(index: usize, model: &str, serial: String, probe: Probe) -> Candidate {
    let disk = Disk {
        name: format!("nvme{index}n1"),
        dev: Some(DevNumber { major: 259, minor: u32::try_from(index).unwrap() }),
        size: SIZE,
        logical_block: 512,
        physical_block: 512,
        model: model.to_owned(),
        identity: Identity::new(model, &serial),
        serial,
        wwid: None,
        read_only: false,
        partitions: Vec::new(),
    };
    Candidate { disk, uses: Vec::new(), device_name: None, probe: Ok(probe) }
}

pub(super) fn config(source: Source) -> VolumeConfig {
    VolumeConfig { source, mount_path: MOUNT.into() }
}

/// Plans for every instance-store disk.
pub(super) fn run(observed: &Observed, intent: Option<&Intent>) -> VolumePlan {
    let config = config(Source::InstanceStore);
    plan(observed, &Request { instance_id: INSTANCE, config: &config, intent, fresh: FRESH })
}

/// The record of an earlier creation on these disks.
pub(super) fn intent(disks: &[Candidate], phase: Phase) -> Intent {
    let layout = if disks.len() == 1 { Layout::Single } else { Layout::Raid0(OLD.array) };
    let create =
        Create { layout, filesystem: OLD.filesystem, members: disks.iter().map(Part::from).collect() };
    Intent { phase, ..create.intent(INSTANCE) }
}

/// The array md127 that runs from these disks, with `probe` on it.
pub(super) fn running(disks: &mut [Candidate], probe: Probe) -> ArrayCandidate {
    for disk in disks.iter_mut() {
        disk.uses.push(Use::Holder("md127".to_owned()));
    }
    let members = (0..)
        .zip(disks.iter())
        .map(|(slot, disk)| Member { name: disk.disk.name.clone(), slot: Some(slot), faulty: false })
        .collect();
    let array = Array {
        name: "md127".to_owned(),
        dev: Some(DevNumber { major: 9, minor: 127 }),
        size: SIZE,
        level: "raid0".to_owned(),
        raid_disks: u32::try_from(disks.len()).unwrap(),
        state: "clean".to_owned(),
        uuid: Some(OLD.array),
        members,
    };
    ArrayCandidate { array, uses: Vec::new(), probe: Ok(probe) }
}

pub(super) fn on(disks: Vec<Candidate>) -> Observed {
    Observed { disks, arrays: Vec::new() }
}

pub(super) fn refused(plan: &VolumePlan) -> Vec<(&str, &'static str)> {
    match plan {
        VolumePlan::Refuse(refusals) => refusals.iter().map(|r| (r.disk.as_str(), r.reason.code)).collect(),
        other => panic!("not refused: {other:?}"),
    }
}
