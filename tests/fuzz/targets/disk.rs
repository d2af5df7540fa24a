//! Disks with anything on them: a disk that is not blank and not ours is never written to.

#![no_main]

use std::io::Cursor;
use std::path::PathBuf;

use gpunode_host::disk::discover::DevNumber;
use gpunode_host::disk::plan::{Candidate, Ids, Observed, Request};
use gpunode_host::disk::signature::Content;
use gpunode_host::disk::{Disk, Identity, Probe, VolumeConfig, VolumePlan, plan, probe};
use uuid::Uuid;

/// Room for every mark at the start, and for a spare superblock at the end.
const SIZE: usize = 256 << 10;

libfuzzer_sys::fuzz_target!(|input: (bool, u32, &[u8], &[u8])| {
    let (two, at, start, elsewhere) = input;
    let mut image = vec![0; SIZE];
    write(&mut image, at as usize % SIZE, elsewhere);
    write(&mut image, if two { 4096 } else { 0 }, start);
    let Ok(seen) = probe(Cursor::new(&image), "AWS1") else { panic!("memory cannot be read") };
    let _ = seen.summary();
    assert_eq!(seen.is_blank(), image.iter().all(|&byte| byte == 0));
    let blank = probe(Cursor::new(vec![0; SIZE]), "AWS2").unwrap_or_else(|_| panic!("memory cannot be read"));
    let mut disks = vec![candidate(1, seen.clone())];
    if two {
        disks.push(candidate(2, blank));
    }
    judge(&Observed { disks, arrays: Vec::new() }, &seen);
});

fn judge(observed: &Observed, seen: &Probe) {
    let Ok(config) = VolumeConfig::new(true, &[], PathBuf::from("/mnt")) else {
        panic!("a fixed configuration")
    };
    let fresh = Ids { array: Uuid::from_u128(1), filesystem: Uuid::from_u128(2) };
    let request = Request { instance_id: "i-1", config: &config, intent: None, fresh };
    let ours = seen.signatures.iter().any(|signature| match &signature.content {
        Content::Xfs(xfs) => xfs.is_ours(seen.size),
        Content::Md(md) => md.is_ours(),
        Content::Plain => false,
    });
    match plan(observed, &request) {
        VolumePlan::Create(_) => assert!(seen.is_blank(), "{seen:?}"),
        VolumePlan::Mount { .. } | VolumePlan::Assemble { .. } => assert!(ours, "{seen:?}"),
        VolumePlan::Resume(..) => panic!("nothing was begun before: {seen:?}"),
        VolumePlan::Nothing(_) => panic!("there is a disk"),
        VolumePlan::Refuse(refusals) => assert!(!refusals.is_empty() && !seen.is_blank()),
    }
}

fn candidate(number: u32, probe: Probe) -> Candidate {
    let model = "Amazon EC2 NVMe Instance Storage";
    let serial = format!("AWS{number}");
    let disk = Disk {
        name: format!("nvme{number}n1"),
        dev: Some(DevNumber { major: 259, minor: number }),
        size: probe.size,
        logical_block: 512,
        physical_block: 4096,
        model: model.to_owned(),
        identity: Identity::new(model, &serial),
        serial,
        wwid: None,
        read_only: false,
        partitions: Vec::new(),
    };
    Candidate { disk, uses: Vec::new(), device_name: None, probe: Ok(probe) }
}

fn write(image: &mut [u8], at: usize, bytes: &[u8]) {
    for (to, from) in image.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
}
