//! Ubuntu's prebuilt kernel modules or DKMS: which of them is taken, what goes with it, and how one gives way to the other. apt is
//! real, the packages are stand-ins, see `gpunode_tests::packages`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;

use gpunode_tests::packages::{Family, Machine};

/// Ubuntu's own archive, with modules that are built already: for the machine's kernel, of driver 580.95.05.
fn with_prebuilt() -> Machine {
    let machine = Machine::new(Family::Apt);
    let text = "Types: deb\nURIs: file:///srv/deb/prebuilt/\nSuites: /\nSigned-By: /srv/system.asc\n";
    machine.put("etc/apt/sources.list.d/restricted.sources", text);
    machine
}

fn prebuilt_is_installed(machine: &Machine) -> bool {
    machine.packages().iter().any(|line| line.starts_with("linux-modules-nvidia-580-open-6.8.0-1021-aws "))
}

/// Where they are of the version that is wanted they are taken, and no headers are needed, which nobody has here.
#[test]
fn prebuilt_modules_are_taken_where_they_fit() {
    for settings in [
        ["nvidia.driverVersion=580", "nvidia.modules=auto"],
        ["nvidia.driverVersion=latest", "nvidia.modules=prebuilt"],
    ] {
        let machine = with_prebuilt();
        fs::remove_file(machine.file("etc/apt/sources.list.d/ubuntu.sources")).unwrap();
        machine.installs(&settings);
        assert_eq!(machine.loaded().as_deref(), Some("580.95.05 open"));
        assert!(prebuilt_is_installed(&machine), "{:?}", machine.packages());
        assert!(machine.packages().iter().any(|line| line == "nvidia-fabricmanager-580 580.95.05"));
        assert!(!machine.file("usr/lib/modules/6.8.0-1021-aws/updates/dkms/nvidia.ko").exists());
        machine.is_done(&settings);
    }
}

#[test]
fn modules_are_built_where_none_fit_or_the_operator_says_so() {
    for settings in
        [&["nvidia.driverVersion=580.82.07"][..], &["nvidia.driverVersion=580", "nvidia.modules=dkms"]]
    {
        let machine = with_prebuilt();
        machine.installs(settings);
        assert!(!prebuilt_is_installed(&machine), "{settings:?}: {:?}", machine.packages());
        assert!(machine.file("usr/lib/modules/6.8.0-1021-aws/updates/dkms/nvidia.ko").exists());
    }
}

#[test]
fn only_prebuilt_modules_where_none_fit_is_a_finding_and_changes_no_package() {
    let machine = with_prebuilt();
    let message = machine.fails(&["nvidia.modules=prebuilt"], "PackageNotOffered");
    assert!(
        message.ends_with("550.127.05 that are built for the kernel 6.8.0-1021-aws; there are 580.95.05"),
        "{message}"
    );
    assert!(machine.packages().is_empty(), "{:?}", machine.packages());
    let machine = Machine::new(Family::Dnf);
    let message = machine.fails(&["nvidia.modules=prebuilt"], "PackageNotOffered");
    assert!(message.contains(Family::Dnf.kernel()) && message.ends_with("nor any other"), "{message}");
}

/// A driver with prebuilt modules gives way to one that is built.
#[test]
fn prebuilt_modules_go_with_their_driver() {
    let machine = with_prebuilt();
    machine.installs(&["nvidia.driverVersion=580"]);
    let replace = ["nvidia.driverVersion=550.127.05", "nvidia.install=replace"];
    machine.installs(&replace);
    assert_eq!(machine.loaded().as_deref(), Some("550.127.05 open"));
    assert!(!prebuilt_is_installed(&machine), "{:?}", machine.packages());
    machine.is_done(&replace);
}
