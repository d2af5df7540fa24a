use proptest::prelude::*;

use super::*;
use crate::versions::Package;

fn installer(version: &str) -> Installer {
    Installer { version: version.parse().unwrap(), packages: Vec::new() }
}

fn os(id: &str, version: &str) -> OsRelease {
    OsRelease { id: id.into(), id_like: Vec::new(), version_id: version.into(), pretty_name: String::new() }
}

fn wanted(version: &str) -> Wanted<'_> {
    Wanted { install: EfaInstall::Auto, version, mode: EfaMode::Minimal }
}

/// A plain Amazon Linux 2023 with devices and nothing for them.
fn plain(os: &OsRelease) -> Seen<'_> {
    Seen {
        installer: None,
        module: false,
        libfabric: false,
        os: Some(os),
        functions: 16,
        in_use: None,
        place: Place::Node,
    }
}

fn flags(decision: Decision) -> Vec<&'static str> {
    match decision {
        Decision::Install(plan) => plan.flags,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_right_is_left() {
    let (al2023, found) = (os("amzn", "2023"), installer("1.43.0"));
    let there = Seen { installer: Some(&found), module: true, ..plain(&al2023) };
    // An EKS image: minimal, so no libfabric; and one with the module of the kernel tree.
    for version in ["latest", "1.43.0"] {
        assert_eq!(decide(&wanted(version), &there), Decision::Right);
    }
    assert_eq!(decide(&wanted("latest"), &Seen { module: true, ..plain(&al2023) }), Decision::Right);
    // Whatever programs do, and whatever the distribution.
    let odd = os("bottlerocket", "1");
    let busy = Seen { in_use: Some(true), os: Some(&odd), ..there };
    assert_eq!(decide(&wanted("latest"), &busy), Decision::Right);
}

#[test]
fn flags_are_for_the_place() {
    let al2023 = os("amzn", "2023");
    let seen = plain(&al2023);
    let full = Wanted { mode: EfaMode::Full, ..wanted("1.51.0") };
    assert_eq!(flags(decide(&wanted("latest"), &seen)), ["-y", "--minimal"]);
    assert_eq!(flags(decide(&full, &seen)), ["-y"]);
    // An image that is baked on an instance without EFA.
    assert_eq!(flags(decide(&full, &Seen { functions: 0, ..seen })), ["-y", "--no-verify"]);
    // The builder has devices of its own, and they are not tried.
    let builder = Seen { place: Place::Builder, ..seen };
    assert_eq!(flags(decide(&wanted("latest"), &builder)), ["-y", "--minimal", "--no-verify"]);
    let tree = Seen { place: Place::Tree, functions: 0, ..seen };
    let words = ["-y", "--minimal", "--skip-kmod", "--skip-limit-conf", "--no-verify"];
    assert_eq!(flags(decide(&wanted("latest"), &tree)), words);
}

#[test]
fn older_is_replaced_and_newer_is_not() {
    let (al2023, found) = (os("amzn", "2023"), installer("1.43.0"));
    let there = Seen { installer: Some(&found), module: true, in_use: Some(false), ..plain(&al2023) };
    assert_eq!(flags(decide(&wanted("1.51.0"), &there)), ["-y", "--minimal"]);
    let Decision::Leave(why) = decide(&wanted("1.42.0"), &there) else { panic!() };
    assert!(why.contains("newer than 1.42.0"), "{why}");
    let never = Wanted { install: EfaInstall::Never, ..wanted("1.51.0") };
    assert!(matches!(decide(&never, &there), Decision::Leave(why) if why.contains("never")));
    assert_eq!(decide(&never, &plain(&al2023)), Decision::Absent);
    let full = Wanted { mode: EfaMode::Full, ..wanted("latest") };
    assert_eq!(flags(decide(&full, &there)), ["-y"]);
    assert_eq!(decide(&full, &Seen { libfabric: true, ..there }), Decision::Right);
}

#[test]
fn nothing_is_replaced_under_a_running_job() {
    let (al2023, found) = (os("amzn", "2023"), installer("1.43.0"));
    let there = Seen { installer: Some(&found), module: true, ..plain(&al2023) };
    for in_use in [Some(true), None] {
        let decision = decide(&wanted("1.51.0"), &Seen { in_use, ..there });
        assert!(matches!(decision, Decision::Leave(_)), "{in_use:?}: {decision:?}");
    }
}

#[test]
fn distributions() {
    for (id, version, asked, runs) in [
        ("amzn", "2", "1.49.0", true),
        ("amzn", "2", "1.50.0", false),
        ("amzn", "2", "latest", false),
        ("ubuntu", "20.04", "1.42.0", true),
        ("ubuntu", "20.04", "latest", false),
        ("ubuntu", "24.04", "latest", true),
        ("debian", "11", "1.51.0", false),
        ("bottlerocket", "1.50.0", "latest", false),
        ("alpine", "3", "1.43.0", false),
    ] {
        let os = os(id, version);
        let decision = decide(&wanted(asked), &plain(&os));
        assert_eq!(matches!(decision, Decision::Install(_)), runs, "{id} {version} {asked}: {decision:?}");
    }
    let amzn = os("amzn", "2023");
    assert!(matches!(decide(&wanted("latest"), &Seen { os: None, ..plain(&amzn) }), Decision::Refuse(_)));
}

#[test]
fn the_module_on_the_disk() {
    let package = |name: &str| Package { name: name.into(), version: "3.3.1".parse().unwrap() };
    let with = Installer { packages: vec![package("efa-config"), package("efa")], ..installer("1.51.0") };
    assert_eq!(packaged_driver(&with).map(Version::as_str), Some("3.3.1"));
    assert_eq!(packaged_driver(&installer("1.51.0")), None);
}

proptest! {
    #[test]
    fn never_means_never_and_a_busy_module_stays(
        version in prop::sample::select(vec!["latest", "1.30.0", "1.43.0", "1.60.1", "odd"]),
        found in prop::option::of(prop::sample::select(vec!["1.30.0", "1.43.0", "1.60.1"])),
        never: bool, full: bool, module: bool, libfabric: bool, place in 0_usize..3,
        functions in 0..3usize, in_use: Option<bool>,
    ) {
        let (os, found) = (os("ubuntu", "22.04"), found.map(installer));
        let install = if never { EfaInstall::Never } else { EfaInstall::Auto };
        let mode = if full { EfaMode::Full } else { EfaMode::Minimal };
        let place = [Place::Node, Place::Builder, Place::Tree][place];
        let seen =
            Seen { installer: found.as_ref(), module, libfabric, os: Some(&os), functions, in_use, place };
        if let Decision::Install(plan) = decide(&Wanted { install, version, mode }, &seen) {
            prop_assert!(!never && plan.flags[0] == "-y");
            prop_assert!(!(place != Place::Tree && module && in_use == Some(true)));
            prop_assert_eq!(plan.flags.contains(&"--skip-kmod"), place == Place::Tree);
        }
    }
}
