//! What holds for every machine, every wish and every offer.

use proptest::prelude::*;
use proptest::sample::select;

use super::packages::*;
use super::*;

fn generations() -> impl Strategy<Value = Vec<Generation>> {
    let all = vec![
        Generation::Volta,
        Generation::Turing,
        Generation::Ampere,
        Generation::Hopper,
        Generation::Ada,
        Generation::Blackwell,
        Generation::BlackwellUltra,
        Generation::Unknown,
    ];
    proptest::collection::vec(select(all), 0..9)
}

fn version() -> impl Strategy<Value = String> {
    (select(vec![535_u32, 550, 570, 580, 590, 620]), 0..200_u32, 0..20_u32)
        .prop_map(|(branch, minor, patch)| format!("{branch}.{minor}.{patch:02}"))
}

fn wishes() -> impl Strategy<Value = Wish> {
    let versions = prop_oneof![Just("latest".to_owned()), Just("580".to_owned()), version()];
    let modules = select(vec![None, Some(Modules::Open), Some(Modules::Proprietary)]);
    let policies = select(vec![Policy::Never, Policy::Auto, Policy::Replace]);
    (versions, modules, policies).prop_map(|(version, modules, policy)| Wish {
        version: Wanted::parse(&version).unwrap(),
        modules,
        policy,
    })
}

fn machines() -> impl Strategy<Value = Machine> {
    let kinds: Vec<_> = catalog::all().map(Some).chain([None]).collect();
    let distros =
        select(vec![None, Some(Distro::AmazonLinux2023), Some(Distro::Ubuntu2204), Some(Distro::Ubuntu2404)]);
    (select(kinds), generations(), distros).prop_map(|(kind, gpus, distro)| Machine {
        platform: distro.map(platform),
        distro: "x".into(),
        kind,
        gpus,
    })
}

fn states() -> impl Strategy<Value = State> {
    let builds = select(vec![DriverBuild::Open, DriverBuild::Proprietary]);
    (proptest::option::of((version(), builds)), proptest::option::of(version()), any::<bool>(), any::<bool>())
        .prop_map(|(driver, manager, toolkit, used)| {
            let mut state = driver.map_or_else(State::default, |(version, build)| loaded(&version, build));
            let version = manager.map(|version| FabricManager::Version(version.parse().unwrap()));
            state.fabric_manager = version.unwrap_or_default();
            state.toolkit = toolkit;
            state.users = if used { vec![user()] } else { Vec::new() };
            state
        })
}

proptest! {
    #[test]
    fn nothing_is_changed_that_must_not_be(machine in machines(), wish in wishes(), state in states()) {
        let Ok(plan) = decide(&machine, &wish, &state) else { return Ok(()) };
        let choice = match &plan.driver {
            Action::Keep => None,
            Action::Install(choice) => { prop_assert!(state.loaded.is_none()); Some(choice) }
            Action::Replace { choice, .. } => {
                prop_assert!(state.users.is_empty());
                prop_assert_eq!(wish.policy, Policy::Replace);
                Some(choice)
            }
        };
        if let Some(choice) = choice {
            prop_assert!(wish.policy != Policy::Never && machine.platform.is_some());
            let open_only = machine.gpus.iter().any(|gpu| gpu.open_only());
            prop_assert!(!open_only || choice.modules == Modules::Open);
            prop_assert!(!choice.gsp_off || choice.modules == Modules::Proprietary);
        }
        prop_assert!(!plan.fix_fabric || (state.users.is_empty() && wish.policy != Policy::Never));
    }

    #[test]
    fn what_is_all_right_needs_nothing(machine in machines(), version in version(), policy in select(vec![Policy::Auto, Policy::Replace])) {
        let grid = machine.kind.as_ref().is_some_and(|kind| kind.driver_flavour() == catalog::DriverFlavour::Grid);
        prop_assume!(!grid);
        let branch = version.get(..3).unwrap().parse().ok();
        let Ok(choice) = choose(None, machine.kind.as_ref(), &machine.generations(), branch) else { return Ok(()) };
        let build = if choice.modules == Modules::Open { DriverBuild::Open } else { DriverBuild::Proprietary };
        let wish = Wish { version: Wanted::parse(&version).unwrap(), modules: None, policy };
        let plan = decide(&machine, &wish, &loaded(&version, build)).unwrap();
        prop_assert_eq!(plan.driver, Action::Keep);
        prop_assert!(!plan.fix_fabric && !plan.toolkit && !plan.load);
        // What is outside the instance is told and nobody's fault.
        prop_assert!(plan.notes.iter().all(|note| *note == Note::UltraServer));
    }

    #[test]
    fn everything_that_is_held_has_the_driver_s_version(
        wish in wishes(),
        versions in proptest::collection::vec(version(), 1..6),
        apt in any::<bool>(),
        fabric in select(vec![Fabric::None, Fabric::Managed, Fabric::ManagedByInfiniband, Fabric::UltraServer]),
    ) {
        let distro = if apt { Distro::Ubuntu2404 } else { Distro::AmazonLinux2023 };
        let purpose = Purpose {
            platform: platform(distro), wanted: wish.version, modules: Modules::Open, fabric,
            gpus: Vec::new(), toolkit: true,
            kernel: "6.8.0-1021-aws".to_owned(),
            build: true,
            prebuilt: Vec::new(),
        };
        // Every name in every version: whatever is chosen has to agree with itself.
        let mut offered = Offered::new();
        for version in &versions {
            let branch = version.get(..3).unwrap().parse().unwrap();
            let mut requests = Vec::new();
            for (naming, scheme) in schemes(purpose.platform, Modules::Open, branch, true) {
                requests.extend(scheme);
                requests.extend(fabric_requests(purpose.platform, fabric, branch, naming));
            }
            for name in requests.iter().flat_map(|request| &request.names) {
                offered.entry(name.clone()).or_default().push(format!("1:{version}-1"));
            }
        }
        let Ok(resolved) = resolve(&purpose, &offered) else {
            prop_assert!(!versions.iter().any(|version| purpose.wanted.fits(&version.parse().unwrap())));
            return Ok(());
        };
        prop_assert!(purpose.wanted.fits(&resolved.version));
        for package in resolved.packages.iter().filter(|package| resolved.held.contains(&package.name)) {
            prop_assert_eq!(upstream(&package.version).unwrap(), resolved.version.clone());
        }
        let managers = resolved.held.iter().filter(|name| name.contains("fabric")).count();
        let needed = matches!(fabric, Fabric::Managed | Fabric::ManagedByInfiniband);
        prop_assert_eq!(managers, usize::from(needed));
    }

    #[test]
    fn any_text_is_taken_for_a_version_without_harm(text in "\\PC{0,40}") {
        let _ = upstream(&text);
        let _ = Wanted::parse(&text);
    }
}
