use super::*;

fn add<T>(list: &mut Vec<T>, one: T) {
    list.push(one);
}

#[test]
fn an_interrupted_creation_goes_on_with_its_record() {
    let one = vec![store(0, xfs(begun()))];
    let record = intent(&one, Phase::Planned);
    let VolumePlan::Resume(again, Stage::Members { zero }) = run(&on(one), Some(&record)) else { panic!() };
    assert_eq!((again.layout, again.filesystem, zero.len()), (Layout::Single, OLD.filesystem, 0));

    for first in [None, Some(begun())] {
        let disks = vec![store(0, member(0, 2, first.clone())), store(1, member(1, 2, None))];
        let record = intent(&disks, Phase::ArrayMade);
        let VolumePlan::Resume(again, stage) = run(&on(disks.clone()), Some(&record)) else { panic!() };
        assert_eq!(again.layout, Layout::Raid0(OLD.array));
        assert_eq!(stage, Stage::Members { zero: vec!["nvme0n1".to_owned(), "nvme1n1".to_owned()] });

        let mut disks = disks;
        let array = running(&mut disks, first.map_or_else(blank, xfs));
        let observed = Observed { disks, arrays: vec![array] };
        let VolumePlan::Resume(_, stage) = run(&observed, Some(&record)) else { panic!() };
        assert_eq!(stage, Stage::Filesystem { device: "md127".to_owned() });
    }

    let half = vec![store(0, member(0, 2, None)), store(1, blank())];
    let record = intent(&half, Phase::Planned);
    let VolumePlan::Resume(_, Stage::Members { zero }) = run(&on(half), Some(&record)) else { panic!() };
    assert_eq!(zero, ["nvme0n1"]);
}

#[test]
fn a_record_proves_nothing_for_another_instance_other_disks_or_after_formatting() {
    let disks = vec![store(0, xfs(begun()))];
    let good = intent(&disks, Phase::Planned);
    let mut others = vec![good.clone(); 5];
    others[0].instance_id = "i-0fffffffffffffff0".to_owned();
    others[1].members[0].serial = "AWS9999".to_owned();
    others[2].members[0].size -= 512;
    others[3].phase = Phase::Formatted;
    others[4].filesystem = FRESH.filesystem;
    for wrong in others.iter().map(Some).chain([None]) {
        let plan = run(&on(disks.clone()), wrong);
        assert_eq!(refused(&plan), [("nvme0n1", "DataVolumeInterrupted")], "{wrong:?}");
    }
    assert!(matches!(run(&on(disks), Some(&good)), VolumePlan::Resume(..)));
}

#[test]
fn anything_more_than_our_own_beginning_forbids_to_go_on() {
    let disks = vec![store(0, member(0, 2, None)), store(1, member(1, 2, None))];
    let record = intent(&disks, Phase::ArrayMade);
    let spoil = |change: &dyn Fn(&mut Probe)| {
        let mut disks = disks.clone();
        change(disks[1].probe.as_mut().unwrap());
        run(&on(disks), Some(&record))
    };
    assert!(matches!(spoil(&|_| {}), VolumePlan::Resume(..)));
    let stray = |probe: &mut Probe, at| probe.data.push(Span { first: at, last: at });
    // Beside the superblock; in the contents; another mark inside the contents; file systems on role 1.
    refused(&spoil(&|probe| stray(probe, 9000)));
    refused(&spoil(&|probe| stray(probe, DATA + 9)));
    refused(&spoil(&|probe| add(&mut probe.signatures, mark("jmicron_raid_member", SIZE - 512))));
    refused(&spoil(&|probe| probe.clone_from(&member(1, 2, Some(our_xfs(OLD.filesystem, SIZE))))));
    refused(&spoil(&|probe| probe.clone_from(&member(1, 2, Some(begun())))));
}

#[test]
fn a_running_array_that_is_mounted_or_written_to_is_not_formatted() {
    let mut disks = vec![store(0, member(0, 2, None)), store(1, member(1, 2, None))];
    let record = intent(&disks, Phase::ArrayMade);
    let array = running(&mut disks, blank());
    let with = |change: &dyn Fn(&mut ArrayCandidate)| {
        let mut array = array.clone();
        change(&mut array);
        run(&Observed { disks: disks.clone(), arrays: vec![array] }, Some(&record))
    };
    assert!(matches!(with(&|_| {}), VolumePlan::Resume(_, Stage::Filesystem { .. })));
    let mounted = Use::Mounted { point: "/x".into(), root: "/".into() };
    refused(&with(&|a| add(&mut a.uses, mounted.clone())));
    refused(&with(&|a| add(&mut a.uses, Use::Holder("dm-0".to_owned()))));
    refused(&with(&|a| a.probe = Ok(marked(vec![mark("ext4", 1080)]))));
    refused(&with(&|a| a.probe = Err("Input/output error".to_owned())));
    refused(&with(&|a| "nvme7n1".clone_into(&mut a.array.members[0].name)));
    refused(&with(&|a| "raid1".clone_into(&mut a.array.level)));
    // The array looks blank and a member does not.
    for first in [our_xfs(OLD.filesystem, SIZE), begun()] {
        let mut disks = disks.clone();
        disks[1].probe = Ok(member(1, 2, Some(first)));
        refused(&run(&Observed { disks, arrays: vec![array.clone()] }, Some(&record)));
    }
}

#[test]
fn a_record_is_kept_as_json_and_unknown_fields_are_errors() {
    let record = intent(&[store(0, blank()), store(1, blank())], Phase::ArrayMade);
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Intent>(&text).unwrap(), record);
    let more = text.replacen('{', "{\"more\":1,", 1);
    assert!(serde_json::from_str::<Intent>(&more).is_err());
}

#[test]
fn every_reason_has_its_row() {
    for refusal in [&reason::DATA_DISK_HOLDS_DATA, &reason::DATA_VOLUME_MISSING] {
        assert!(reason::ALL.contains(refusal));
    }
}
