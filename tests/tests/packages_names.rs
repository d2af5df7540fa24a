//! What packages are called, and what they bring: the names of NVIDIA's repository for Ubuntu from branch 590 on, packages
//! that only lead to another branch, and modules that a kernel's distribution keeps in a package apart. The package managers
//! are real, the packages are stand-ins, see `gpunode_tests::packages`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;

use gpunode_tests::packages::{Family, Machine};

fn modules_index(machine: &Machine) -> String {
    let path = format!("usr/lib/modules/{}/modules.dep", machine.family().kernel());
    fs::read_to_string(machine.file(&path)).unwrap()
}

/// By branch and by number: an older version brings nothing of the newest with it.
#[test]
fn names_without_the_branch() {
    let machine = Machine::new(Family::Apt);
    let repository = format!("nvidia.repository={}", machine.repository("bare"));
    let installs = |settings: &[&str]| machine.installs(&[&[repository.as_str()], settings].concat());
    let all_are = |version: &str| {
        let mut packages = machine.packages();
        packages.retain(|line| !line.contains("container"));
        let names = [
            "libnvidia-compute",
            "nvidia-dkms-open",
            "nvidia-fabricmanager",
            "nvidia-kernel-common",
            "nvidia-persistenced",
        ];
        assert_eq!(packages, names.map(|name| format!("{name} {version}")));
        assert_eq!(machine.loaded().unwrap(), format!("{version} open"));
    };
    installs(&["nvidia.driverVersion=590.48.01"]);
    all_are("590.48.01");
    installs(&["nvidia.driverVersion=595", "nvidia.install=replace"]);
    all_are("595.71.05");
    machine.is_done(&[&repository, "nvidia.driverVersion=latest"]);
    let machine = Machine::new(Family::Apt);
    machine.installs(&[&repository, "nvidia.driverVersion=latest"]);
    assert_eq!(machine.loaded().as_deref(), Some("595.71.05 open"));
}

/// From the last branch with a number in its names to one without: nothing of the old one stays.
#[test]
fn from_numbered_names_to_names_without() {
    let machine = Machine::new(Family::Apt);
    machine.installs(&["nvidia.driverVersion=580"]);
    let repository = format!("nvidia.repository={}", machine.repository("bare"));
    machine.installs(&[&repository, "nvidia.driverVersion=595", "nvidia.install=replace"]);
    let packages = machine.packages();
    assert!(!packages.iter().any(|line| line.contains("580")), "{packages:?}");
    assert_eq!(machine.loaded().as_deref(), Some("595.71.05 open"));
}

/// Ubuntu's packages of a branch that it has given up are empty and ask for the next one.
#[test]
fn a_package_that_only_leads_to_another_version_is_refused() {
    let machine = Machine::new(Family::Apt);
    let repository = format!("nvidia.repository={}", machine.repository("given-up"));
    let message = machine.fails(&[&repository, "nvidia.driverVersion=590"], "PackageConflict");
    assert!(
        message.starts_with("the packages of driver 590.48.01 only lead to another version: nvidia-")
            && message.contains("-595-server-open 595.71.05-0ubuntu0.22.04.1"),
        "{message}"
    );
    assert!(machine.packages().is_empty(), "{:?}", machine.packages());
}

/// On Amazon Linux the driver's module asks for one of a package that no plain image has.
#[test]
fn modules_that_amazon_linux_keeps_apart_come_first() {
    let machine = Machine::new(Family::Dnf);
    assert!(!modules_index(&machine).contains("drm"));
    machine.installs(&[]);
    assert_eq!(machine.loaded().as_deref(), Some("550.127.05 open"));
    assert!(modules_index(&machine).contains("drm.ko"));
    // Where nobody has it, nothing is begun.
    let machine = Machine::new(Family::Dnf);
    let (path, text) = Family::Dnf.system_repository();
    machine.put(path, &format!("{text}excludepkgs=kernel*-modules-extra\n"));
    let message = machine.fails(&[], "KernelModulesMissing");
    let kernel = Family::Dnf.kernel();
    assert_eq!(
        message,
        format!(
            "/lib/modules/{kernel} has no drm; no repository offers kernel6.12-modules-extra or kernel-modules-extra for it"
        )
    );
    assert!(machine.packages().is_empty(), "{:?}", machine.packages());
}
