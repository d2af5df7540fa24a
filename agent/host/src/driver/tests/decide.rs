use super::*;

#[test]
fn what_is_right_is_left_alone() {
    let plan = decide(&machine("p5.48xlarge"), &wish("550.127.05"), &loaded("550.127.05", DriverBuild::Open))
        .unwrap();
    assert_eq!(plan.driver, Action::Keep);
    assert_eq!((plan.fix_fabric, plan.toolkit, plan.load), (false, false, false));
    assert!(plan.notes.is_empty(), "{:?}", plan.notes);
}

#[test]
fn a_stock_image_of_another_version_is_left_and_told() {
    let state = loaded("580.95.05", DriverBuild::Open);
    let plan = decide(&machine("p5.48xlarge"), &wish("550.127.05"), &state).unwrap();
    assert_eq!(plan.driver, Action::Keep);
    let note = Note::Version { found: "580.95.05".parse().unwrap(), users: Vec::new() };
    assert_eq!(plan.notes, [note]);
    // Not loaded yet, as at the first boot of an EKS image: it is loaded and nothing else.
    let state = State { loaded: None, ..state };
    let plan = decide(&machine("p5.48xlarge"), &wish("580"), &state).unwrap();
    assert_eq!((plan.driver, plan.load, plan.notes.len()), (Action::Keep, true, 0));
}

#[test]
fn nothing_is_there() {
    let nothing = State::default();
    let plan = decide(&machine("p5en.48xlarge"), &wish("550.127.05"), &nothing).unwrap();
    let Action::Install(choice) = plan.driver else { panic!("{plan:?}") };
    assert_eq!((choice.modules, choice.gsp_off, plan.fabric), (Modules::Open, false, Fabric::Managed));
    assert!(plan.toolkit && plan.load);
    let never = Wish { policy: Policy::Never, ..wish("550.127.05") };
    assert_eq!(decide(&machine("p5en.48xlarge"), &never, &nothing), Err(Refusal::Never));
    let other = Machine { platform: None, distro: "Bottlerocket".into(), ..machine("p5en.48xlarge") };
    assert_eq!(decide(&other, &wish("580"), &nothing), Err(Refusal::Platform("Bottlerocket".into())));
}

#[test]
fn another_version_is_replaced_only_on_request_and_never_under_a_process() {
    let replace = Wish { policy: Policy::Replace, ..wish("580") };
    let mut state = loaded("550.127.05", DriverBuild::Open);
    let plan = decide(&machine("p5.48xlarge"), &replace, &state).unwrap();
    assert!(matches!(plan.driver, Action::Replace { ref from, .. } if from.as_str() == "550.127.05"));
    assert!(plan.load && !plan.fix_fabric);
    state.users = vec![user()];
    let plan = decide(&machine("p5.48xlarge"), &replace, &state).unwrap();
    assert_eq!(plan.driver, Action::Keep);
    let note = Note::Version { found: "550.127.05".parse().unwrap(), users: vec![user()] };
    assert_eq!(plan.notes, [note]);
}

#[test]
fn the_fabric_manager_follows_the_driver() {
    let mut state = loaded("580.95.05", DriverBuild::Open);
    state.fabric_manager = FabricManager::Version("580.82.07".parse().unwrap());
    let plan = decide(&machine("p5.48xlarge"), &wish("580"), &state).unwrap();
    assert!(plan.fix_fabric && plan.notes.is_empty());
    state.fabric_manager = FabricManager::Absent;
    assert!(decide(&machine("p5.48xlarge"), &wish("580"), &state).unwrap().fix_fabric);
    assert!(!decide(&machine("p5.4xlarge"), &wish("580"), &state).unwrap().fix_fabric);
    state.users = vec![user()];
    let plan = decide(&machine("p5.48xlarge"), &wish("580"), &state).unwrap();
    assert!(!plan.fix_fabric && matches!(plan.notes[..], [Note::Fabric { .. }]));
}

#[test]
fn modules_by_type_and_gpu() {
    for (kind, modules, gsp_off, fabric) in [
        ("p6-b200.48xlarge", Modules::Open, false, Fabric::ManagedByInfiniband),
        ("p4d.24xlarge", Modules::Open, false, Fabric::Managed),
        ("g4dn.xlarge", Modules::Proprietary, true, Fabric::None),
        ("g5.48xlarge", Modules::Proprietary, true, Fabric::None),
        ("g5g.xlarge", Modules::Proprietary, true, Fabric::None),
        ("g6e.48xlarge", Modules::Open, false, Fabric::None),
        ("p6e-gb200.36xlarge", Modules::Open, false, Fabric::UltraServer),
    ] {
        let plan = decide(&machine(kind), &wish("570"), &State::default()).unwrap();
        let Action::Install(choice) = plan.driver else { panic!("{kind}: {plan:?}") };
        assert_eq!((choice.modules, choice.gsp_off, plan.fabric), (modules, gsp_off, fabric), "{kind}");
    }
    let told = |modules| Wish { modules: Some(modules), ..wish("570") };
    let nothing = State::default();
    let b200 = machine("p6-b200.48xlarge");
    assert_eq!(decide(&b200, &told(Modules::Proprietary), &nothing), Err(Refusal::OpenOnly));
    assert_eq!(decide(&machine("g6f.xlarge"), &wish("570"), &nothing), Err(Refusal::Grid));
    // The operator's word counts where the GPU takes both; the open modules cannot run without the GPU's processor.
    let plan = decide(&machine("g4dn.xlarge"), &told(Modules::Open), &nothing).unwrap();
    assert!(matches!(plan.driver, Action::Install(Choice { modules: Modules::Open, gsp_off: false, .. })));
}

#[test]
fn a_branch_that_does_not_know_the_gpu_is_refused_before_anything_is_installed() {
    for (kind, version, fine) in [
        ("p6-b200.48xlarge", "550.127.05", false),
        ("p6-b200.48xlarge", "570", true),
        ("p6-b200.48xlarge", "570.124.06", false),
        ("p6-b200.48xlarge", "570.133.20", true),
        ("p6-b200.48xlarge", "580.65.06", true),
        ("p6-b300.48xlarge", "570", false),
        ("p6-b300.48xlarge", "580", true),
        ("p3dn.24xlarge", "580", true),
        ("p3dn.24xlarge", "590", false),
        ("p5.48xlarge", "550.127.05", true),
    ] {
        let mut machine = machine(kind);
        // V100 instances are not in every catalogue; the GPU on the bus is what counts.
        machine.kind = machine.kind.filter(|kind| kind.family() != "p3dn");
        let plan = decide(&machine, &wish(version), &State::default());
        assert_eq!(plan.is_ok(), fine, "{kind} with {version}: {plan:?}");
    }
    let refused = decide(&machine("p6-b200.48xlarge"), &wish("550.127.05"), &State::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "nvidia.driverVersion is 550.127.05, and driver branch 550 does not drive Blackwell GPUs, which need branch 570 or newer; allowed: latest, or a version or branch of 570 or newer"
    );
}

/// A branch whose first versions do not know the GPU: the branch is taken, which means its newest, and such a version is not.
#[test]
fn a_version_that_does_not_know_the_gpu_is_refused_though_its_branch_does() {
    let b200 = machine("p6-b200.48xlarge");
    let refused = decide(&b200, &wish("570.124.06"), &State::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "nvidia.driverVersion is 570.124.06, and driver 570.124.06 does not drive Blackwell GPUs, which need 570.133.20 or newer; allowed: latest, 570, or a version of 570.133.20 or newer"
    );
    let there = State { loaded: None, ..loaded("570.124.06", DriverBuild::Open) };
    assert!(matches!(decide(&b200, &wish("570"), &there), Err(Refusal::Present { .. })));
    assert!(decide(&machine("p6-b300.48xlarge"), &wish("575.57.08"), &State::default()).is_err());
}

/// From 620 on there are no closed modules.
#[test]
fn where_there_are_no_closed_modules_the_open_ones_are_taken() {
    for (version, modules) in
        [("615.71.09", Modules::Proprietary), ("latest", Modules::Proprietary), ("620", Modules::Open)]
    {
        let plan = decide(&machine("g4dn.xlarge"), &wish(version), &State::default()).unwrap();
        let Action::Install(choice) = plan.driver else { panic!("{plan:?}") };
        assert_eq!((choice.modules, choice.gsp_off), (modules, modules == Modules::Proprietary), "{version}");
    }
    let told = Wish { modules: Some(Modules::Proprietary), ..wish("620") };
    let refused = decide(&machine("g4dn.xlarge"), &told, &State::default()).unwrap_err();
    assert!(refused.to_string().ends_with("allowed: open, or a branch before 620"), "{refused}");
    // An open module of such a branch is not called the wrong one.
    let plan =
        decide(&machine("g4dn.xlarge"), &wish("620"), &loaded("620.10.01", DriverBuild::Open)).unwrap();
    assert!(plan.notes.is_empty(), "{plan:?}");
}

/// The fabric manager of B200 and B300 starts NVLink's subnet manager, and talks through `ib_umad`.
#[test]
fn a_driver_that_is_there_gets_what_its_switches_lack() {
    let b200 = machine("p6-b200.48xlarge");
    let right = loaded("580.95.05", DriverBuild::Open);
    let plan = decide(&b200, &wish("580"), &right).unwrap();
    assert_eq!((plan.fix_fabric, plan.load, plan.notes.len()), (false, false, 0));
    let without = State { subnet_manager: false, umad: false, ..right.clone() };
    let plan = decide(&b200, &wish("580"), &without).unwrap();
    assert!(plan.fix_fabric && plan.load && plan.driver == Action::Keep);
    let busy = State { users: vec![user()], ..without.clone() };
    assert_eq!(decide(&b200, &wish("580"), &busy).unwrap().notes, [Note::SubnetManager]);
    // Earlier switches have neither.
    let plan = decide(&machine("p5.48xlarge"), &wish("580"), &without).unwrap();
    assert!(!plan.fix_fabric && !plan.load);
}

/// A driver that the image lays over `/usr` is left to it: nothing of another one is put below.
#[test]
fn a_driver_that_the_image_lays_over_is_left_to_it() {
    let p5 = machine("p5.48xlarge");
    let waiting = State {
        loaded: None,
        laid_over: true,
        fabric_manager: FabricManager::Absent,
        ..loaded("580.178.04", DriverBuild::Open)
    };
    let plan = decide(&p5, &wish("580"), &waiting).unwrap();
    assert_eq!(
        (plan.driver.clone(), plan.fix_fabric, plan.load, plan.notes.len()),
        (Action::Keep, false, true, 0)
    );
    let replace = Wish { policy: Policy::Replace, ..wish("550.127.05") };
    let refused = decide(&p5, &replace, &waiting).unwrap_err();
    assert_eq!(refused, Refusal::LaidOver("580.178.04".parse().unwrap()));
    // Once it is loaded, an absent fabric manager is told, and not put below.
    let wrong = State {
        fabric_manager: FabricManager::Absent,
        laid_over: true,
        ..loaded("580.178.04", DriverBuild::Open)
    };
    let plan = decide(&p5, &wish("580"), &wrong).unwrap();
    assert!(!plan.fix_fabric && matches!(plan.notes[..], [Note::Fabric { .. }]), "{plan:?}");
}

/// One that is installed and cannot drive the GPU is told before it is loaded, whatever version is asked for, unless it may
/// be replaced by one that can; for an image without a GPU in sight the type decides.
#[test]
fn an_installed_branch_that_does_not_know_the_gpu_is_refused_before_it_is_loaded() {
    let there = State { loaded: None, ..loaded("550.127.05", DriverBuild::Open) };
    let b200 = machine("p6-b200.48xlarge");
    let image = Machine { gpus: Vec::new(), ..b200.clone() };
    for machine in [&b200, &image] {
        for version in ["550.127.05", "570", "latest"] {
            let refused = decide(machine, &wish(version), &there).unwrap_err();
            let Refusal::Present { found, undriven } = &refused else { panic!("{refused:?}") };
            assert_eq!(
                (found.as_str(), undriven.driver[0], undriven.need),
                ("550.127.05", 550, Need::Branch(570))
            );
            assert!(refused.to_string().contains("nvidia.install = \"replace\""), "{refused}");
        }
        let replace = Wish { policy: Policy::Replace, ..wish("580") };
        assert!(matches!(decide(machine, &replace, &there).unwrap().driver, Action::Replace { .. }));
        let nothing = decide(machine, &wish("550.127.05"), &State::default());
        assert!(matches!(nothing, Err(Refusal::Branch { .. })), "{nothing:?}");
    }
    // What is loaded shows by itself what it drives.
    assert!(decide(&b200, &wish("550.127.05"), &loaded("550.127.05", DriverBuild::Open)).is_ok());
}

#[test]
fn what_is_not_done_for_an_ultraserver_is_told() {
    for state in [State::default(), loaded("580.95.05", DriverBuild::Open)] {
        let plan = decide(&machine("p6e-gb200.36xlarge"), &wish("580"), &state).unwrap();
        assert_eq!((plan.fabric, plan.notes.as_slice()), (Fabric::UltraServer, &[Note::UltraServer][..]));
    }
}

/// NVIDIA's `.run` file brings neither a fabric manager nor the container toolkit.
#[test]
fn what_only_packages_bring_is_not_promised_without_them() {
    let state = State {
        toolkit: false,
        fabric_manager: FabricManager::Absent,
        ..loaded("580.95.05", DriverBuild::Open)
    };
    let plan = decide(&machine("p5.48xlarge"), &wish("580"), &state).unwrap();
    assert!(plan.fix_fabric && plan.toolkit && plan.notes.is_empty());
    let plan = plan.without_packages(&state);
    assert!(!plan.fix_fabric && !plan.toolkit);
    assert_eq!(plan.notes, [Note::Fabric { found: None, driver: "580.95.05".parse().unwrap() }]);
}

#[test]
fn an_image_is_baked_without_a_gpu() {
    let image = Machine { gpus: Vec::new(), ..machine("p5en.48xlarge") };
    let plan = decide(&image, &wish("550.127.05"), &State::default()).unwrap();
    assert!(matches!(plan.driver, Action::Install(_)) && !plan.load);
    let baked = State { loaded: None, ..loaded("550.127.05", DriverBuild::Open) };
    let plan = decide(&image, &wish("550.127.05"), &baked).unwrap();
    assert_eq!((plan.driver, plan.load, plan.fix_fabric), (Action::Keep, false, false));
}

#[test]
fn peer_memory_is_dma_buf_with_open_modules_on_any_kernel_that_is_in_use() {
    let kernel = "6.12.40-63.114.amzn2023.x86_64".parse().unwrap();
    assert_eq!(peer_memory(Modules::Open, &kernel), PeerMemory::DmaBuf);
    assert_eq!(peer_memory(Modules::Proprietary, &kernel), PeerMemory::EfaNvPeermem);
    assert_eq!(peer_memory(Modules::Open, &"5.10.1".parse().unwrap()), PeerMemory::EfaNvPeermem);
}

#[test]
fn options_of_the_module() {
    let choice = |gsp_off| Choice { modules: Modules::Proprietary, gsp_off, because: "" };
    let modprobe = |gsp_off, fabric| files::modprobe(&choice(gsp_off), fabric);
    assert!(modprobe(true, Fabric::None).contains("\noptions nvidia NVreg_EnableGpuFirmware=0\n"));
    assert!(!modprobe(false, Fabric::Managed).contains("NVreg_"));
    assert!(modprobe(false, Fabric::None).contains("\nblacklist nouveau\n"));
    let ultra_server = modprobe(false, Fabric::UltraServer);
    assert!(ultra_server.contains("\noptions nvidia NVreg_CoherentGPUMemoryMode=driver\n"));
    assert!(ultra_server.ends_with("\noptions nvidia NVreg_GrdmaPciTopoCheckOverride=1\n"));
    assert!(files::modules_load(Fabric::ManagedByInfiniband).ends_with("nvidia\nnvidia_uvm\nib_umad\n"));
}
