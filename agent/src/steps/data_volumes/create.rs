//! Makes the volume: array, file system, each recorded before and after.

use std::time::Duration;

use gpunode_host::disk::intent::Layout;
use gpunode_host::disk::plan::{Create, Part, Stage};
use gpunode_host::disk::{ARRAY_NAME, LABEL, Phase, VolumeConfig, array};
use gpunode_host::reason;
use uuid::Uuid;

use super::record;
use crate::os::{Cmd, Os};
use crate::step::Failure;

/// mkfs.xfs without discard writes some 100 MiB on 30 TB; a disk that needs longer than this is sick.
const MKFS_DEADLINE: Duration = Duration::from_secs(120);

/// What `--plan` says of it.
pub(super) fn changes(create: &Create, config: &VolumeConfig) -> Vec<String> {
    let names: Vec<_> = create.members.iter().map(|part| part.name.as_str()).collect();
    let what = match create.layout {
        Layout::Single => format!("make XFS on {}", names.join(" ")),
        Layout::Raid0(_) => format!("make a RAID0 of {} and XFS on it", names.join(" ")),
    };
    vec![what, format!("mount it on {}", config.mount_path.display())]
}

/// From blank disks.
pub(super) fn make(os: &Os, create: &Create, instance: &str) -> Result<(), Failure> {
    record::write(os, &create.intent(instance))?;
    let device = device(os, create, instance)?;
    format(os, create, &device, instance, Force::No)
}

/// From where an earlier run was ended. The planner has proven that all that is on the disks is our own beginning.
pub(super) fn resume(os: &Os, create: &Create, stage: &Stage, instance: &str) -> Result<(), Failure> {
    match stage {
        Stage::Members { zero } => {
            for name in zero {
                os.run(&Cmd::new("mdadm").args(["--zero-superblock", &format!("/dev/{name}")]))?;
            }
            let device = device(os, create, instance)?;
            format(os, create, &device, instance, Force::OverOurOwn)
        }
        Stage::Filesystem { device } => format(os, create, device, instance, Force::OverOurOwn),
    }
}

/// Starts an array that is whole.
pub(super) fn assemble(os: &Os, id: Uuid, members: &[Part]) -> Result<(), Failure> {
    let command = Cmd::new("mdadm")
        .args(["--assemble", &array_path(), &format!("--uuid={}", md_uuid(id))])
        .args(members.iter().map(|part| format!("/dev/{}", part.name)));
    os.run(&command)?;
    settle(os)
}

/// The device that takes the file system: the disk itself, or the array, made if there are several disks.
fn device(os: &Os, create: &Create, instance: &str) -> Result<String, Failure> {
    let Layout::Raid0(id) = create.layout else {
        return create
            .members
            .first()
            .map(|part| part.name.clone())
            .ok_or_else(|| no_array("a volume of no disks"));
    };
    let count = create.members.len().to_string();
    let command = Cmd::new("mdadm")
        .args(["--create", &array_path(), "--run", "--level=0", "--metadata=1.2", "--homehost=any"])
        .args([
            format!("--name={ARRAY_NAME}"),
            format!("--uuid={}", md_uuid(id)),
            format!("--raid-devices={count}"),
        ])
        .args(create.members.iter().map(|part| format!("/dev/{}", part.name)));
    os.run(&command)?;
    settle(os)?;
    record::write(os, &gpunode_host::disk::Intent { phase: Phase::ArrayMade, ..create.intent(instance) })?;
    let mut wanted: Vec<_> = create.members.iter().map(|part| part.name.clone()).collect();
    wanted.sort_unstable();
    let has_them = |members: &[array::Member]| members.iter().map(|member| &member.name).eq(&wanted);
    array::arrays(os.root())?
        .into_iter()
        .find(|array| has_them(&array.members))
        .map(|array| array.name)
        .ok_or_else(|| no_array("mdadm made an array, but the kernel does not show it"))
}

/// Whether mkfs may write over something it recognizes.
#[derive(Clone, Copy, PartialEq)]
enum Force {
    /// mkfs.xfs itself refuses a device on which it sees anything: a second lock on the door.
    No,
    /// There is an unfinished XFS of ours.
    OverOurOwn,
}

fn format(os: &Os, create: &Create, device: &str, instance: &str, force: Force) -> Result<(), Failure> {
    let mut command = Cmd::new("mkfs.xfs").deadline(MKFS_DEADLINE);
    if force == Force::OverOurOwn {
        command = command.arg("-f");
    }
    // -K: instance-store disks arrive trimmed, and a discard of 30 TB takes minutes.
    let command = command
        .args(["-q", "-K", "-L", LABEL, "-m", &format!("uuid={}", create.filesystem)])
        .arg(format!("/dev/{device}"));
    os.run(&command)?;
    // The link by UUID may not be there yet; the mount unit waits for it.
    record::write(os, &gpunode_host::disk::Intent { phase: Phase::Formatted, ..create.intent(instance) })
}

/// Waits until udev has made the links for what is new.
fn settle(os: &Os) -> Result<(), Failure> {
    if os.has_program("udevadm") {
        os.run(&Cmd::new("udevadm").args(["settle", "--timeout=20"]))?;
    }
    Ok(())
}

fn array_path() -> String {
    format!("/dev/md/{ARRAY_NAME}")
}

/// As mdadm writes it: four groups of eight digits.
fn md_uuid(id: Uuid) -> String {
    let digits = id.simple().to_string();
    let groups: Vec<_> = (0..4).map(|i| &digits[i * 8..i * 8 + 8]).collect();
    groups.join(":")
}

fn no_array(message: &str) -> Failure {
    Failure::new(&reason::DATA_VOLUME_INTERRUPTED, "data-volumes", message)
}
