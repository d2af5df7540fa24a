//! The driver is installed by real package managers: fresh, already there, older, newer, conflicting; by number, branch and
//! `latest`; from a repository and from a folder. The packages are stand-ins, see `gpunode_tests::packages`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;
use std::os::unix::fs::symlink;

use gpunode_tests::agent::finish;
use gpunode_tests::packages::{Family, Machine};

/// Every package of the driver has one version: the driver's.
fn all_are(machine: &Machine, version: &str) {
    let packages = machine.packages();
    let of_driver: Vec<_> = packages.iter().filter(|line| !line.contains("container-toolkit")).collect();
    assert!(of_driver.len() >= 4, "{packages:?}");
    assert!(of_driver.iter().all(|line| line.ends_with(version)), "{version}: {packages:?}");
    assert!(of_driver.iter().any(|line| line.contains("fabric")), "{packages:?}");
}

fn fresh(machine: &Machine) {
    let run = machine.installs(&[]);
    assert_eq!(machine.loaded().as_deref(), Some("550.127.05 open"), "{run:?}");
    all_are(machine, "550.127.05");
    assert!(machine.packages().iter().any(|line| line == "nvidia-container-toolkit 1.17.8"));
    // The headers came with it, the options stand, the services come with every boot.
    assert!(machine.file(&format!("usr/lib/modules/{}/build/Makefile", machine.family().kernel())).exists());
    let options = fs::read_to_string(machine.file("etc/modprobe.d/gpunode-nvidia.conf")).unwrap();
    assert!(options.contains("blacklist nouveau"), "{options}");
    for unit in ["nvidia-persistenced", "nvidia-fabricmanager"] {
        let link = machine.file(&format!("etc/systemd/system/multi-user.target.wants/{unit}.service"));
        assert!(link.symlink_metadata().is_ok(), "{unit} is not enabled");
    }
    // A second run, and one after a reboot, which only loads.
    machine.is_done(&[]);
    machine.power_cycle();
    let run = machine.run(&["nvidia.repository=http://127.0.0.1:9/nothing"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(machine.loaded().as_deref(), Some("550.127.05 open"));
    machine.is_done(&["nvidia.repository=http://127.0.0.1:9/nothing"]);
}

#[test]
fn fresh_dnf() {
    fresh(&Machine::new(Family::Dnf));
}

#[test]
fn fresh_apt() {
    fresh(&Machine::new(Family::Apt));
}

/// By its word; nothing else tells it from 22.04 before the first package.
#[test]
fn fresh_apt_24_04() {
    let machine = Machine::new(Family::Apt);
    machine.put("etc/os-release", &Family::Apt.os_release().replace("22.04", "24.04"));
    fresh(&machine);
}

/// `latest` and a branch are the newest of it; an older version of the branch brings nothing newer with it.
fn by_word(family: Family) {
    for (wanted, found) in
        [("latest", "580.95.05"), ("580", "580.95.05"), ("550", "550.127.05"), ("580.82.07", "580.82.07")]
    {
        let machine = Machine::new(family);
        machine.installs(&[&format!("nvidia.driverVersion={wanted}")]);
        assert_eq!(machine.loaded().unwrap(), format!("{found} open"), "{wanted}");
        all_are(&machine, found);
    }
    let machine = Machine::new(family);
    let message = machine.fails(&["nvidia.driverVersion=535"], "PackageNotOffered");
    assert!(message.contains("driver 535; there are 580.95.05, 580.82.07, 550.127.05"), "{message}");
    assert!(machine.packages().is_empty());
}

#[test]
fn by_word_dnf() {
    by_word(Family::Dnf);
}

#[test]
fn by_word_apt() {
    by_word(Family::Apt);
}

/// Another version, older or newer, is left with a warning; replaced on request; never while a GPU is in use.
fn another_version(family: Family, there: &str, wanted: &str) {
    let machine = Machine::new(family);
    let (there_set, wanted_set) =
        (format!("nvidia.driverVersion={there}"), format!("nvidia.driverVersion={wanted}"));
    machine.installs(&[&there_set]);
    let run = machine.is_done(&[&wanted_set]);
    let warning = run.report().finding("NvidiaDriverVersion").message.to_owned();
    assert_eq!(warning, format!("version {there} is loaded, nvidia.driverVersion says {wanted}"));
    // A process has a GPU open, as its files in /proc tell.
    let fds = machine.file("proc/4242/fd");
    fs::create_dir_all(&fds).unwrap();
    symlink("/dev/nvidia0", fds.join("7")).unwrap();
    machine.put("proc/4242/comm", "python3\n");
    let before = machine.packages();
    let run = machine.is_done(&[&wanted_set, "nvidia.install=replace"]);
    let warning = run.report().finding("NvidiaDriverVersion").message.to_owned();
    assert!(warning.ends_with("not replaced while python3 (4242) has /dev/nvidia0 open"), "{warning}");
    assert_eq!(machine.packages(), before);
    fs::remove_dir_all(machine.file("proc/4242")).unwrap();
    machine.installs(&[&wanted_set, "nvidia.install=replace"]);
    assert_eq!(machine.loaded().unwrap(), format!("{wanted} open"));
    all_are(&machine, wanted);
    machine.is_done(&[&wanted_set, "nvidia.install=replace"]);
}

#[test]
fn older_dnf() {
    another_version(Family::Dnf, "580.82.07", "580.95.05");
}

#[test]
fn older_apt() {
    another_version(Family::Apt, "580.82.07", "580.95.05");
}

#[test]
fn newer_dnf() {
    another_version(Family::Dnf, "580.95.05", "550.127.05");
}

#[test]
fn newer_apt() {
    another_version(Family::Apt, "580.95.05", "550.127.05");
}

/// A fabric manager of another version than the driver is exchanged; the driver stays as it is.
fn conflicting(family: Family) {
    let machine = Machine::new(family);
    machine.installs(&["nvidia.driverVersion=580.82.07"]);
    let other = match family {
        Family::Dnf => "rpm -U --nosignature /srv/rpm/nvidia/nvidia-fabricmanager-580.95.05*.rpm",
        Family::Apt => "dpkg -i /srv/deb/nvidia/nvidia-fabricmanager-580_580.95.05*.deb",
    };
    machine.shell(other);
    let run = machine.run(&["nvidia.install=never", "nvidia.driverVersion=580"]);
    let told = run.report().finding("FabricManagerWrong").message.to_owned();
    assert_eq!(told, "580.95.05 is installed; the driver is 580.82.07, and it takes no other");
    assert_eq!((run.code, run.report().outcome("nvidia-driver")), (1, "unchanged"), "{run:?}");
    machine.installs(&["nvidia.driverVersion=580"]);
    all_are(&machine, "580.82.07");
}

#[test]
fn conflicting_dnf() {
    conflicting(Family::Dnf);
}

#[test]
fn conflicting_apt() {
    conflicting(Family::Apt);
}

/// The build of the modules that the operator wants.
fn flavour(family: Family) {
    let machine = Machine::new(family);
    machine.installs(&["nvidia.flavour=proprietary"]);
    assert_eq!(machine.loaded().as_deref(), Some("550.127.05 proprietary"));
    machine.is_done(&["nvidia.flavour=proprietary"]);
    let run = machine.is_done(&[]);
    assert!(run.report().has("NvidiaDriverFlavour"), "{run:?}");
}

#[test]
fn flavour_dnf() {
    flavour(Family::Dnf);
}

#[test]
fn flavour_apt() {
    flavour(Family::Apt);
}

/// Makes a package of the driver's that a desktop has, and that asks for what no server has.
fn for_a_desktop(family: Family) -> &'static str {
    match family {
        Family::Dnf => {
            r"cd /tmp; export HOME=/root
            printf 'Name: nvidia-settings\nEpoch: 3\nVersion: 580.82.07\nRelease: 1\nSummary: x\nLicense: x\n' >x.spec
            printf 'BuildArch: noarch\nRequires: gtk3\n%%description\nx\n%%files\n' >>x.spec
            rpmbuild --quiet -bb --define '_topdir /tmp/rb' x.spec
            mv rb/RPMS/noarch/nvidia-settings*.rpm /opt/driver"
        }
        Family::Apt => {
            r"cd /tmp; mkdir -p x/DEBIAN
            printf 'Package: nvidia-settings\nVersion: 580.82.07-0ubuntu1\nArchitecture: amd64\n' >x/DEBIAN/control
            printf 'Maintainer: x <x@example.org>\nDescription: x\nDepends: libgtk-3-0\n' >>x/DEBIAN/control
            dpkg-deb --build --root-owner-group -Znone x /opt/driver/nvidia-settings.deb"
        }
    }
}

/// From a folder with both builds and several versions in it, as NVIDIA's archives have, and without any repository.
fn offline(family: Family) {
    let machine = Machine::new(family);
    let name = family.name();
    machine.shell(&format!("mkdir /opt/driver; cp /srv/{name}/nvidia/*.{name} /srv/{name}/system/*.{name} /opt/driver; rm -rf /srv/{name}"));
    machine.shell(for_a_desktop(family));
    let key = if family == Family::Dnf { "/srv/both.asc" } else { "/srv/nvidia.asc" };
    machine.shell("cat /srv/nvidia.asc /srv/system.asc > /srv/both.asc");
    let settings = [
        "nvidia.offline=/opt/driver",
        &format!("nvidia.repositoryKey={key}"),
        "nvidia.driverVersion=580.82.07",
    ];
    machine.installs(&settings);
    assert_eq!(machine.loaded().as_deref(), Some("580.82.07 open"));
    all_are(&machine, "580.82.07");
    machine.is_done(&settings);
}

#[test]
fn offline_dnf() {
    offline(Family::Dnf);
}

#[test]
fn offline_apt() {
    offline(Family::Apt);
}

/// NCCL where it is asked for: from the driver's repository, in the wanted version, for a CUDA that the driver runs.
fn nccl(family: Family) {
    let library = match family {
        Family::Dnf => "usr/lib64/libnccl.so.",
        Family::Apt => "usr/lib/x86_64-linux-gnu/libnccl.so.",
    };
    let there = |machine: &Machine, version: &str| machine.file(&format!("{library}{version}")).exists();
    let run = |machine: &Machine, settings: &[&str]| {
        let run = finish(&mut machine.steps("nvidia-driver,ofi-nccl", settings));
        assert_eq!(run.code, 0, "{run:?}");
        run.report().outcome("ofi-nccl").to_owned()
    };
    let version = |machine: &Machine| {
        let ask = match family {
            Family::Dnf => "rpm -q --qf '%{VERSION}-%{RELEASE}' libnccl",
            Family::Apt => "dpkg-query -W -f '${Version}' libnccl2",
        };
        machine.shell(ask)
    };
    let machine = Machine::new(family);
    assert_eq!(run(&machine, &[]), "unchanged");
    assert!(!there(&machine, "2.22.3"));
    assert_eq!(run(&machine, &["nccl.install=true"]), "changed");
    assert_eq!((version(&machine).as_str(), there(&machine, "2.22.3")), ("2.22.3-1+cuda12.5", true));
    assert_eq!(run(&machine, &["nccl.install=true"]), "unchanged");
    // Another version is exchanged; the driver of branch 550 runs no CUDA 13.
    let newer = ["nccl.install=true", "nccl.version=2.27.7"];
    assert_eq!(run(&machine, &newer), "changed");
    assert_eq!((version(&machine).as_str(), there(&machine, "2.22.3")), ("2.27.7-1+cuda12.9", false));
    assert_eq!(machine.loaded().as_deref(), Some("550.127.05 open"));
    // What nobody offers is told by name.
    let missing = finish(&mut machine.steps("ofi-nccl", &["nccl.install=true", "nccl.version=2.99.1"]));
    let message = missing.report().finding("PackageNotOffered").message.to_owned();
    assert!(message.contains("nccl") && message.contains("2.99.1"), "{message}");
    assert_eq!(version(&machine), "2.27.7-1+cuda12.9");
}

#[test]
fn nccl_dnf() {
    nccl(Family::Dnf);
}

#[test]
fn nccl_apt() {
    nccl(Family::Apt);
}
