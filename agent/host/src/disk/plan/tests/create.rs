use super::*;

#[test]
fn nothing_is_done_where_nothing_is_asked_or_there() {
    let observed = on(vec![store(0, blank())]);
    let none = config(Source::Nothing);
    let request = Request { instance_id: INSTANCE, config: &none, intent: None, fresh: FRESH };
    assert_eq!(plan(&observed, &request), VolumePlan::Nothing(Why::NotAsked));
    assert_eq!(run(&on(vec![ebs(0, blank())]), None), VolumePlan::Nothing(Why::NoDisk));
}

#[test]
fn one_blank_disk_is_used_alone_and_several_as_raid0_by_serial() {
    let VolumePlan::Create(one) = run(&on(vec![store(0, blank())]), None) else { panic!() };
    assert_eq!((one.layout, one.filesystem), (Layout::Single, FRESH.filesystem));
    let mut disks = vec![store(2, blank()), store(0, blank()), store(1, blank())];
    disks[0].disk.name = "nvme0n1".to_owned();
    disks[1].disk.name = "nvme2n1".to_owned();
    let VolumePlan::Create(many) = run(&on(disks), None) else { panic!() };
    assert_eq!(many.layout, Layout::Raid0(FRESH.array));
    let names: Vec<_> = many.members.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["nvme2n1", "nvme1n1", "nvme0n1"]);
}

#[test]
fn one_disk_with_data_stops_everything_and_is_named_with_the_place() {
    let disks = vec![store(0, blank()), store(1, marked(vec![mark("ext4", 1080)])), store(2, blank())];
    let VolumePlan::Refuse(refusals) = run(&on(disks), None) else { panic!() };
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0].finding().code, "DataDiskHoldsData");
    assert_eq!((refusals[0].disk.as_str(), refusals[0].offset), ("nvme1n1", Some(1080)));
    assert!(refusals[0].found.contains("ext4 at offset 1080"), "{}", refusals[0].found);
}

#[test]
fn unknown_data_is_data() {
    let mut probe = blank();
    probe.data.push(Span { first: 77, last: 77 });
    let VolumePlan::Refuse(refusals) = run(&on(vec![store(0, probe)]), None) else { panic!() };
    assert_eq!(refusals[0].offset, Some(77));
    assert!(refusals[0].found.contains("unknown data at offset 77"));
}

#[test]
fn a_disk_that_could_not_be_read_to_its_end_is_not_blank() {
    let mut sick = store(0, blank());
    sick.probe = Err("Input/output error".to_owned());
    assert_eq!(refused(&run(&on(vec![sick]), None)), [("nvme0n1", "DataDiskUnreadable")]);
    let short = store(0, Probe { size: SIZE - 512, ..blank() });
    assert_eq!(refused(&run(&on(vec![short]), None)), [("nvme0n1", "DataDiskUnreadable")]);
    let mut empty = store(0, Probe { size: 0, ..blank() });
    empty.disk.size = 0;
    assert_eq!(refused(&run(&on(vec![empty]), None)), [("nvme0n1", "DataDiskUnreadable")]);
}

#[test]
fn disks_that_cannot_be_told_apart_are_refused() {
    let mut disks = vec![store(0, blank()), store(1, blank())];
    disks[1].disk.serial = disks[0].disk.serial.clone();
    let both = [("nvme0n1", "DataVolumeAmbiguous"), ("nvme1n1", "DataVolumeAmbiguous")];
    assert_eq!(refused(&run(&on(disks), None)), both);
    let mut nameless = store(0, blank());
    nameless.disk.serial = String::new();
    assert_eq!(refused(&run(&on(vec![nameless]), None)), [("nvme0n1", "DataVolumeAmbiguous")]);
}

#[test]
fn only_ebs_volumes_that_are_named_are_used() {
    let mut disks = vec![ebs(1, blank()), ebs(2, blank()), ebs(3, blank())];
    disks[1].device_name = Some("sdf".to_owned());
    let observed = on(disks);
    let plan_for = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let config = VolumeConfig::new(false, &names, MOUNT.into()).unwrap();
        plan(&observed, &Request { instance_id: INSTANCE, config: &config, intent: None, fresh: FRESH })
    };
    let VolumePlan::Create(create) = plan_for(&["vol-00000000000000001", "/dev/sdf"]) else { panic!() };
    let names: Vec<_> = create.members.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["nvme1n1", "nvme2n1"]);
    let missing = plan_for(&["vol-00000000000000001", "sdg"]);
    assert_eq!(refused(&missing), [("sdg", "DataVolumeMissing")]);
}
