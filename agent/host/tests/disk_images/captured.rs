//! An array that mdadm 4.2 and mkfs.xfs 6.1 made of two NVMe disks of 1 GiB under Linux 6.1: what they had written
//! is planned for as it is met on a node. Outside these sectors the disks were zero after `mdadm --create`.

use std::path::PathBuf;

use gpunode_host::disk::discover::{DevNumber, Disk};
use gpunode_host::disk::identity::{INSTANCE_STORE_MODEL, Identity};
use gpunode_host::disk::intent::{Intent, Layout, Phase};
use gpunode_host::disk::plan::{
    Candidate, Create, Ids, Observed, Part, Request, Stage, VolumeConfig, VolumePlan,
};
use gpunode_host::disk::{plan, signature::Content};

use crate::image::Image;

const MEMBERS: [&[u8]; 2] =
    [include_bytes!("captured/md-role0.bin"), include_bytes!("captured/md-role1.bin")];
const XFS: &[u8] = include_bytes!("captured/xfs-on-array.bin");
const ARRAY: &str = "01234567-89ab-cdef-0123-456789abcdef";
const FILESYSTEM: &str = "11234567-89ab-cdef-0123-456789abcdef";
const INSTANCE: &str = "i-0123456789abcdef0";
/// Data offset that mdadm chose: 4096 sectors.
const DATA: u64 = 2 << 20;

fn members() -> [Image; 2] {
    MEMBERS.map(|superblock| {
        let image = Image::new(1024);
        image.write(4096, superblock);
        image
    })
}

fn candidate(index: u32, image: &Image) -> Candidate {
    let disk = Disk {
        name: format!("nvme{index}n1"),
        dev: Some(DevNumber { major: 259, minor: index }),
        size: 1 << 30,
        logical_block: 512,
        physical_block: 512,
        model: INSTANCE_STORE_MODEL.to_owned(),
        serial: format!("AWS{index}"),
        wwid: None,
        read_only: false,
        partitions: Vec::new(),
        identity: Identity::InstanceStore,
    };
    Candidate { disk, uses: Vec::new(), device_name: None, probe: Ok(image.probe()) }
}

fn plan_for(images: &[Image; 2], with_intent: bool) -> VolumePlan {
    let disks: Vec<_> = (0..).zip(images).map(|(index, image)| candidate(index, image)).collect();
    let create = Create {
        layout: Layout::Raid0(ARRAY.parse().unwrap()),
        filesystem: FILESYSTEM.parse().unwrap(),
        members: disks.iter().map(Part::from).collect(),
    };
    let intent = Intent { phase: Phase::ArrayMade, ..create.intent(INSTANCE) };
    let config = VolumeConfig::new(true, &[], PathBuf::from("/mnt/data")).unwrap();
    let fresh = Ids { array: FILESYSTEM.parse().unwrap(), filesystem: ARRAY.parse().unwrap() };
    let intent = with_intent.then_some(&intent);
    let observed = Observed { disks, arrays: Vec::new() };
    plan(&observed, &Request { instance_id: INSTANCE, config: &config, intent, fresh })
}

#[test]
fn an_array_just_made_is_ours_and_goes_on_only_with_its_record() {
    let images = members();
    for (image, role) in images.iter().zip(0..) {
        let probe = image.probe();
        let [only] = &probe.signatures[..] else { panic!("{probe:?}") };
        let Content::Md(md) = &only.content else { panic!("{only:?}") };
        assert!(md.is_ours() && md.role == Some(role) && md.first.is_none(), "{md:?}");
        assert_eq!((md.name.as_str(), md.payload.clone()), ("any:gpunode", DATA..1 << 30));
        assert!(probe.data.iter().all(|span| span.first >= md.header.start && span.last < md.header.end));
    }
    let VolumePlan::Resume(again, Stage::Members { zero }) = plan_for(&images, true) else { panic!() };
    assert_eq!((again.filesystem.to_string().as_str(), zero.len()), (FILESYSTEM, 2));
    assert!(matches!(plan_for(&images, false), VolumePlan::Refuse(_)));
    images[1].write((1 << 30) - 1, b"x");
    assert!(matches!(plan_for(&images, true), VolumePlan::Refuse(_)));
}

#[test]
fn an_array_with_its_file_system_is_assembled_with_and_without_the_record() {
    let images = members();
    images[0].write(DATA, XFS);
    for with_intent in [true, false] {
        let VolumePlan::Assemble { array, members, filesystem } = plan_for(&images, with_intent) else {
            panic!()
        };
        assert_eq!((array.to_string().as_str(), filesystem.to_string().as_str()), (ARRAY, FILESYSTEM));
        assert_eq!(members.len(), 2);
    }
}
