use super::*;

#[test]
fn our_whole_volume_is_mounted_whatever_files_are_on_it() {
    let whole = our_xfs(OLD.filesystem, SIZE);
    let mut disk = store(0, xfs(whole));
    disk.probe.as_mut().unwrap().signatures.push(mark("ntfs", SIZE - 509));
    let mount =
        |mounted| VolumePlan::Mount { device: "nvme0n1".to_owned(), filesystem: OLD.filesystem, mounted };
    assert_eq!(run(&on(vec![disk.clone()]), None), mount(false));
    let bind = Use::Mounted { point: "/var/lib/kubelet".into(), root: "/kubelet".into() };
    let here = Use::Mounted { point: MOUNT.into(), root: "/".into() };
    disk.uses = vec![here, bind.clone()];
    assert_eq!(run(&on(vec![disk.clone()]), None), mount(true));
    disk.uses = vec![bind];
    assert_eq!(refused(&run(&on(vec![disk]), None)), [("nvme0n1", "DataDiskInUse")]);
}

#[test]
fn a_volume_that_is_almost_ours_is_not() {
    let whole = our_xfs(OLD.filesystem, SIZE);
    for (other, code) in [
        (XfsSuper { label: "gpunode-dat".to_owned(), ..whole.clone() }, "DataDiskHoldsData"),
        (XfsSuper { intact: false, ..whole.clone() }, "DataDiskHoldsData"),
        (XfsSuper { size: SIZE + 4096, ..whole.clone() }, "DataVolumeInterrupted"),
        (XfsSuper { in_progress: true, ..whole.clone() }, "DataVolumeInterrupted"),
    ] {
        assert_eq!(refused(&run(&on(vec![store(0, xfs(other))]), None)), [("nvme0n1", code)]);
    }
    // A file system that ends before a superblock that is not ours, as below a RAID1 of version 1.0.
    let mut probe = xfs(XfsSuper { size: SIZE - 65536, ..whole });
    probe.signatures.push(mark("linux_raid_member", SIZE - 8192));
    assert_eq!(refused(&run(&on(vec![store(0, probe)]), None)), [("nvme0n1", "DataArrayForeign")]);
}

#[test]
fn our_array_is_assembled_when_stopped_and_mounted_when_running() {
    let whole = our_xfs(OLD.filesystem, SIZE);
    let mut disks = vec![store(0, member(0, 2, Some(whole.clone()))), store(1, member(1, 2, None))];
    disks[1].probe.as_mut().unwrap().data.push(Span { first: DATA + 9, last: DATA + 9 });
    let VolumePlan::Assemble { array, members, filesystem } = run(&on(disks.clone()), None) else { panic!() };
    assert_eq!((array, members.len(), filesystem), (OLD.array, 2, OLD.filesystem));

    let mut array = running(&mut disks, xfs(whole));
    let mut observed = Observed { disks, arrays: vec![array.clone()] };
    let mount =
        |mounted| VolumePlan::Mount { device: "md127".to_owned(), filesystem: OLD.filesystem, mounted };
    assert_eq!(run(&observed, None), mount(false));
    array.uses = vec![Use::Mounted { point: MOUNT.into(), root: "/".into() }];
    for disk in &mut observed.disks {
        disk.uses.push(Use::Below { device: "md127".to_owned(), point: MOUNT.into() });
    }
    observed.arrays = vec![array];
    assert_eq!(run(&observed, None), mount(true));
}

#[test]
fn an_array_that_is_not_whole_is_refused() {
    let whole = our_xfs(OLD.filesystem, SIZE);
    let lost = vec![store(0, member(0, 2, Some(whole.clone())))];
    assert_eq!(refused(&run(&on(lost), None)), [("nvme0n1", "DataArrayDegraded")]);
    let replaced = vec![store(0, member(0, 2, Some(whole.clone()))), store(1, blank())];
    assert_eq!(refused(&run(&on(replaced), None)), [("nvme0n1", "DataArrayDegraded")]);
    let twice = vec![store(0, member(0, 2, Some(whole.clone()))), store(1, member(0, 2, None))];
    assert_eq!(refused(&run(&on(twice), None)).len(), 2);
    let mut disks = vec![store(0, member(0, 2, Some(whole.clone()))), store(1, member(1, 2, None))];
    let mut array = running(&mut disks, xfs(whole));
    array.array.state = "inactive".to_owned();
    let observed = Observed { disks, arrays: vec![array] };
    assert_eq!(refused(&run(&observed, None))[0].1, "DataArrayDegraded");
}

#[test]
fn a_foreign_array_is_refused() {
    let Ok(Probe { mut signatures, .. }) = store(0, member(0, 2, None)).probe else { panic!() };
    if let Content::Md(md) = &mut signatures[0].content {
        md.name = "ip-10-0-0-1:kubernetes".to_owned();
    }
    let disks = vec![store(0, marked(signatures)), store(1, blank())];
    assert_eq!(refused(&run(&on(disks), None)), [("nvme0n1", "DataArrayForeign")]);
}

#[test]
fn two_volumes_or_a_volume_and_a_blank_disk_are_ambiguous() {
    let whole = our_xfs(OLD.filesystem, SIZE);
    let disks = vec![store(0, xfs(whole.clone())), store(1, blank())];
    assert_eq!(refused(&run(&on(disks), None)), [("nvme0n1", "DataVolumeAmbiguous")]);
    let disks = vec![store(0, xfs(whole.clone())), store(1, xfs(whole.clone()))];
    assert_eq!(refused(&run(&on(disks), None)).len(), 2);
    let disks = vec![store(0, member(0, 1, Some(whole))), store(1, blank())];
    assert_eq!(refused(&run(&on(disks), None)), [("nvme0n1", "DataVolumeAmbiguous")]);
}
