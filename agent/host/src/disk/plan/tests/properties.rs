//! Whatever is seen, what may be written to is blank, or provably the beginning of our own volume.

use proptest::prelude::*;

use super::*;

/// What a generated disk holds; kept beside the candidate, so that the properties do not lean on the judge.
#[derive(Clone, Debug, PartialEq)]
enum Holds {
    Blank,
    Stray(u64),
    Mark(&'static str, u64),
    Whole { ours: bool },
    Begun,
    Member { role: u16, disks: u32, first: Option<bool>, ours: bool },
}

fn holds() -> impl Strategy<Value = Holds> {
    let first = prop::option::of(any::<bool>());
    prop_oneof![
        6 => Just(Holds::Blank),
        1 => (0..SIZE).prop_map(Holds::Stray),
        1 => (prop::sample::select(vec!["ext4", "gpt", "LVM2_member", "ntfs"]), 0..SIZE)
            .prop_map(|(name, at)| Holds::Mark(name, at)),
        1 => any::<bool>().prop_map(|ours| Holds::Whole { ours }),
        2 => Just(Holds::Begun),
        6 => (0u16..4, 1u32..4, first, prop::bool::weighted(0.9))
            .prop_map(|(role, disks, first, ours)| Holds::Member { role, disks, first, ours }),
    ]
}

fn probe_of(holds: &Holds) -> Probe {
    match holds {
        Holds::Blank => blank(),
        Holds::Stray(at) => Probe { data: vec![Span { first: *at, last: *at }], ..blank() },
        Holds::Mark(name, at) => marked(vec![mark(name, *at)]),
        Holds::Whole { ours } => {
            let label = if *ours { crate::disk::LABEL } else { "data" };
            xfs(XfsSuper { label: label.to_owned(), ..our_xfs(OLD.filesystem, SIZE) })
        }
        Holds::Begun => xfs(begun()),
        Holds::Member { role, disks, first, ours } => {
            let first = first.map(|whole| if whole { our_xfs(OLD.filesystem, SIZE) } else { begun() });
            let mut probe = member(*role, *disks, first);
            if let Content::Md(md) = &mut probe.signatures[0].content
                && !ours
            {
                md.array = Uuid::from_u128(0xbad);
            }
            probe
        }
    }
}

fn uses() -> impl Strategy<Value = Vec<Use>> {
    let one = prop_oneof![
        Just(Use::Mounted { point: MOUNT.into(), root: "/".into() }),
        Just(Use::Below { device: "nvme0n1p1".to_owned(), point: "/".into() }),
        Just(Use::Swap("nvme0n1".to_owned())),
        Just(Use::RootDevice("/dev/nvme0n1".to_owned())),
        Just(Use::Partition("nvme0n1p1".to_owned())),
        Just(Use::Holder("dm-0".to_owned())),
    ];
    prop_oneof![8 => Just(Vec::new()), 1 => prop::collection::vec(one, 1..3)]
}

#[derive(Clone, Debug)]
struct World {
    holds: Vec<Holds>,
    observed: Observed,
    intent: Option<Intent>,
}

prop_compose! {
    fn world()(
        disks in prop::collection::vec((holds(), uses(), 0u8..24), 1..5),
        phase in prop::sample::select(vec![Phase::Planned, Phase::ArrayMade, Phase::Formatted]),
        has_intent in prop::bool::weighted(0.8),
        ordered in prop::bool::weighted(0.6),
        held in prop::option::weighted(0.3, holds()),
        array_uses in uses(),
    ) -> World {
        let count = u32::try_from(disks.len()).unwrap();
        let mut holds = Vec::new();
        let mut candidates = Vec::new();
        for (index, (mut hold, uses, quirk)) in disks.into_iter().enumerate() {
            // Mostly arrays that could be: each role once.
            if let Holds::Member { role, disks, .. } = &mut hold
                && ordered
            {
                (*role, *disks) = (u16::try_from(index).unwrap(), count);
            }
            let mut candidate = store(index, probe_of(&hold));
            candidate.uses = uses;
            match quirk {
                0 => candidate.disk.read_only = true,
                1 => candidate.disk.partitions.push("nvme9n1p1".to_owned()),
                2 => candidate.disk.identity = Identity::Other("QEMU NVMe Ctrl".to_owned()),
                3 => candidate.probe = Err("Input/output error".to_owned()),
                4 => candidate.disk.identity = Identity::Ebs { volume_id: "vol-0".to_owned() },
                _ => {}
            }
            holds.push(hold);
            candidates.push(candidate);
        }
        let intent = has_intent.then(|| intent(&candidates, phase));
        let mut arrays = Vec::new();
        if let Some(hold) = held {
            let mut array = running(&mut candidates, probe_of(&hold));
            array.uses = array_uses;
            arrays.push(array);
        }
        World { holds, observed: Observed { disks: candidates, arrays }, intent }
    }
}

fn find<'a>(world: &'a World, name: &str) -> (&'a Candidate, &'a Holds) {
    let index = world.observed.disks.iter().position(|c| c.disk.name == name).unwrap();
    (&world.observed.disks[index], &world.holds[index])
}

/// What holds for every disk that is written to, whatever the stage.
fn check_disk(candidate: &Candidate, allowed_holder: Option<&str>) -> Result<(), TestCaseError> {
    prop_assert_eq!(&candidate.disk.identity, &Identity::InstanceStore);
    prop_assert!(!candidate.disk.read_only && candidate.disk.partitions.is_empty());
    prop_assert!(candidate.probe.is_ok());
    let held = |how: &Use| matches!((how, allowed_holder), (Use::Holder(name), Some(ours)) if name == ours);
    prop_assert!(candidate.uses.iter().all(held), "{:?}", candidate.uses);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8_000))]

    #[test]
    fn only_what_is_blank_or_provably_ours_is_written_to(world in world()) {
        match run(&world.observed, world.intent.as_ref()) {
            VolumePlan::Create(create) => {
                for part in &create.members {
                    let (candidate, holds) = find(&world, &part.name);
                    check_disk(candidate, None)?;
                    prop_assert_eq!(holds, &Holds::Blank);
                }
                let stores = world.observed.disks.iter()
                    .filter(|c| c.disk.identity == Identity::InstanceStore).count();
                prop_assert_eq!(create.members.len(), stores, "a smaller array in silence");
            }
            VolumePlan::Resume(create, stage) => {
                let intent = world.intent.as_ref().unwrap();
                prop_assert!(intent.phase < Phase::Formatted);
                prop_assert_eq!(create.filesystem, OLD.filesystem);
                let device = match &stage {
                    Stage::Filesystem { device } => Some(device.as_str()),
                    Stage::Members { .. } => None,
                };
                let mut named: Vec<_> = create.members.iter().map(|part| part.id.clone()).collect();
                named.sort();
                let mut recorded = intent.members.clone();
                recorded.sort();
                prop_assert_eq!(named, recorded);
                for part in &create.members {
                    let (candidate, holds) = find(&world, &part.name);
                    check_disk(candidate, device)?;
                    let fits = match holds {
                        Holds::Blank => device.is_none(),
                        Holds::Begun => create.members.len() == 1,
                        Holds::Member { ours, first, .. } => *ours && *first != Some(true),
                        Holds::Stray(_) | Holds::Mark(..) | Holds::Whole { .. } => false,
                    };
                    prop_assert!(fits, "{:?} {:?}", holds, stage);
                }
                if device.is_some() {
                    let array = &world.observed.arrays[0];
                    prop_assert!(array.uses.is_empty());
                    let probe = array.probe.as_ref().unwrap();
                    prop_assert!(*probe == blank() || *probe == xfs(begun()));
                }
            }
            VolumePlan::Mount { .. }
            | VolumePlan::Assemble { .. }
            | VolumePlan::Nothing(_) => {}
            VolumePlan::Refuse(refusals) => {
                prop_assert!(!refusals.is_empty(), "refused without a word");
                prop_assert!(refusals.iter().all(|refusal| !refusal.found.is_empty()));
            }
        }
    }

    #[test]
    fn the_order_of_the_disks_does_not_matter(
        (world, shuffled) in world().prop_flat_map(|world| {
            let disks = world.observed.disks.clone();
            (Just(world), Just(disks).prop_shuffle())
        }),
    ) {
        let plan = run(&world.observed, world.intent.as_ref());
        let other = Observed { disks: shuffled, arrays: world.observed.arrays.clone() };
        prop_assert_eq!(plan, run(&other, world.intent.as_ref()));
    }

    #[test]
    fn nothing_is_mounted_that_is_not_whole(world in world()) {
        match run(&world.observed, world.intent.as_ref()) {
            VolumePlan::Mount { device, filesystem, .. } => {
                prop_assert_eq!(filesystem, OLD.filesystem);
                if device.starts_with("md") {
                    prop_assert_eq!(&world.observed.arrays[0].probe, &Ok(xfs(our_xfs(OLD.filesystem, SIZE))));
                } else {
                    prop_assert_eq!(find(&world, &device).1, &Holds::Whole { ours: true });
                }
            }
            VolumePlan::Assemble { members, .. } => {
                let first = members.iter().filter(|part| {
                    matches!(find(&world, &part.name).1, Holds::Member { role: 0, first: Some(true), .. })
                });
                prop_assert_eq!(first.count(), 1);
            }
            _ => {}
        }
    }

    #[test]
    fn after_a_creation_the_volume_is_mounted(count in 1usize..9) {
        let disks: Vec<_> = (0..count).map(|index| store(index, blank())).collect();
        let VolumePlan::Create(create) = run(&on(disks), None) else { panic!("blank disks not used") };
        let id = create.filesystem;
        let whole = our_xfs(id, SIZE);
        let raid_disks = u32::try_from(count).unwrap();
        let made: Vec<_> = (0..count).map(|index| {
            let Layout::Raid0(array) = create.layout else { return store(index, xfs(whole.clone())) };
            let role = u16::try_from(index).unwrap();
            let first = (index == 0).then(|| whole.clone());
            let md = MdSuper { first, ..our_md(array, role, raid_disks, SIZE) };
            let content = Content::Md(md);
            store(index, marked(vec![Signature { name: "linux_raid_member", offset: 4096, content }]))
        }).collect();
        for record in [None, Some(create.intent(INSTANCE))] {
            match run(&on(made.clone()), record.as_ref()) {
                VolumePlan::Mount { filesystem, .. } => prop_assert_eq!((count, filesystem), (1, id)),
                VolumePlan::Assemble { filesystem, members, .. } => {
                    prop_assert_eq!((members.len(), filesystem), (count, id));
                    let mut made = made.clone();
                    let array = running(&mut made, xfs(whole.clone()));
                    let started = run(&Observed { disks: made, arrays: vec![array] }, record.as_ref());
                    let mounts = matches!(started, VolumePlan::Mount { device, .. } if device == "md127");
                    prop_assert!(mounts);
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
