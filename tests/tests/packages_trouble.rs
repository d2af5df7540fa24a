//! What goes wrong while a driver is installed: keys, repositories, locks, disks, headers, kills. Each is told by its
//! reason, nothing that is not trusted is installed, and a later run makes it good. The package managers are real, the
//! packages are stand-ins, see `gpunode_tests::packages`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use gpunode_tests::agent::{Started, wait_until};
use gpunode_tests::packages::{Cut, Family, Files, Machine};
use nix::sys::signal::Signal;

fn wrong_key(family: Family) {
    let machine = Machine::new(family);
    let message = machine.fails(&["nvidia.repositoryKey=/srv/other.asc"], "PackageSignatureWrong");
    assert!(message.starts_with("cannot "), "{message}");
    assert!(machine.packages().is_empty(), "{:?}", machine.packages());
    assert_eq!(machine.loaded(), None);
    machine.installs(&[]);
}

#[test]
fn wrong_key_dnf() {
    wrong_key(Family::Dnf);
}

#[test]
fn wrong_key_apt() {
    wrong_key(Family::Apt);
}

fn unsigned(family: Family) {
    let machine = Machine::new(family);
    let repository = format!("nvidia.repository={}", machine.repository("unsigned"));
    let message = machine.fails(&[&repository], "PackageSignatureWrong");
    assert!(message.contains("is not signed"), "{message}");
    assert!(machine.packages().is_empty(), "{:?}", machine.packages());
}

#[test]
fn unsigned_dnf() {
    unsigned(Family::Dnf);
}

#[test]
fn unsigned_apt() {
    unsigned(Family::Apt);
}

/// The server breaks off in every package, then in none.
fn down_half_way(family: Family) {
    let machine = Machine::new(family);
    let folder = machine.file(&format!("srv/{}/nvidia", family.name()));
    let server = Files::serve(&folder, Cut::Packages(usize::MAX));
    let message = machine.fails(&[&format!("nvidia.repository={}", server.url())], "PackageRepositoryFailed");
    assert!(server.cuts() > 1 && message.starts_with("cannot install "), "{} cuts: {message}", server.cuts());
    assert!(machine.packages().is_empty(), "{:?}", machine.packages());
    let server = Files::serve(&folder, Cut::Packages(2));
    machine.installs(&[&format!("nvidia.repository={}", server.url())]);
    assert_eq!(server.cuts(), 2);
}

#[test]
fn down_half_way_dnf() {
    down_half_way(Family::Dnf);
}

#[test]
fn down_half_way_apt() {
    down_half_way(Family::Apt);
}

fn down(family: Family) {
    let machine = Machine::new(family);
    let server = Files::serve(&machine.file(&format!("srv/{}/nvidia", family.name())), Cut::All);
    let message = machine.fails(&[&format!("nvidia.repository={}", server.url())], "PackageRepositoryFailed");
    assert!(message.contains("repositor"), "{message}");
    let message = machine.fails(&["nvidia.repository=http://127.0.0.1:9/nothing"], "PackageRepositoryFailed");
    assert!(message.contains("repositor"), "{message}");
}

#[test]
fn down_dnf() {
    down(Family::Dnf);
}

#[test]
fn down_apt() {
    down(Family::Apt);
}

/// A process of the machine that holds the lock of the package manager until it is killed.
fn holder(machine: &Machine) -> Started {
    let script = format!(
        "mkdir -p /run/bed; exec python3 -c 'import fcntl,time\nf=open(\"{}\",\"a+\")\nfcntl.lockf(f,fcntl.LOCK_EX)\n\
         open(\"/run/bed/locked\",\"w\").close()\ntime.sleep(600)'",
        machine.family().lock()
    );
    let holder = machine.start(&script);
    wait_until("the lock is held", || machine.file("run/bed/locked").exists());
    holder
}

fn locked(family: Family) {
    let machine = Machine::new(family);
    let holder_process = holder(&machine);
    let message = machine.fails(&["packages.lockSeconds=1"], "PackageLocked");
    assert!(message.contains("lock"), "{message}");
    assert_eq!(machine.loaded(), None);
    // It lets go while the agent waits, which the agent says in its log.
    let log = machine.file("run/bed/log");
    let mut command = machine.agent(&["packages.lockSeconds=50"]);
    let run = Started::new(command.env("GPUNODE_LOG", "warn").stderr(std::fs::File::create(&log).unwrap()));
    wait_until("a try has failed", || {
        std::fs::read_to_string(&log).unwrap_or_default().contains("once more")
    });
    drop(holder_process);
    let run = run.finish();
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(machine.loaded().as_deref(), Some("550.127.05 open"));
}

#[test]
fn locked_dnf() {
    locked(Family::Dnf);
}

#[test]
fn locked_apt() {
    locked(Family::Apt);
}

fn full_disk(family: Family) {
    // Seen before anything is begun.
    let machine = Machine::with_disk(family, "600m");
    let message = machine.fails(&[], "DiskFull");
    assert!(message.contains("MiB are free below /usr, the driver needs 1024"), "{message}");
    assert!(machine.packages().is_empty());
    drop(machine);
    // Met in the middle, on a disk of its own.
    let machine = Machine::new(family);
    machine.small_disk("usr/share/stand-in-large", "64k");
    let message = machine.fails(&[], "DiskFull");
    assert!(message.contains("space"), "{message}");
    assert_eq!(machine.loaded(), None);
    // Room is made, and the next run goes on from whatever was left.
    nix::mount::umount(&machine.file("usr/share/stand-in-large")).unwrap();
    machine.installs(&[]);
    assert_eq!(machine.loaded().as_deref(), Some("550.127.05 open"));
}

#[test]
fn full_disk_dnf() {
    full_disk(Family::Dnf);
}

#[test]
fn full_disk_apt() {
    full_disk(Family::Apt);
}

/// The repositories no longer have the headers of the running kernel.
fn no_headers(family: Family) {
    let machine = Machine::new(family);
    let (repository, _) = family.system_repository();
    std::fs::remove_file(machine.file(repository)).unwrap();
    let message = machine.fails(&[], "KernelHeadersMissing");
    assert!(message.contains(family.kernel()) && message.contains("no repository offers"), "{message}");
    assert!(machine.packages().is_empty(), "{:?}", machine.packages());
}

#[test]
fn no_headers_dnf() {
    no_headers(Family::Dnf);
}

#[test]
fn no_headers_apt() {
    no_headers(Family::Apt);
}

/// SIGKILL while the package's script builds the module; the next run finds packages without a module, or dpkg half way.
fn killed(family: Family) {
    let machine = Machine::new(family);
    machine.hold();
    let mut command = machine.agent(&[]);
    let run = Started::new(&mut command);
    wait_until("the module is being built", || machine.file("run/bed/held").exists());
    run.signal(Signal::SIGKILL);
    drop(run);
    assert_eq!(machine.loaded(), None);
    // The machine is cut off with it: what the package manager had started does not go on by itself.
    machine.end_all();
    machine.release();
    machine.power_cycle();
    machine.installs(&[]);
    assert_eq!(machine.loaded().as_deref(), Some("550.127.05 open"));
    machine.is_done(&[]);
}

#[test]
fn killed_dnf() {
    killed(Family::Dnf);
}

#[test]
fn killed_apt() {
    killed(Family::Apt);
}

/// The machine restarts after the packages are there and before the module is loaded.
fn reboot_before_verify(family: Family) {
    let machine = Machine::new(family);
    // A modprobe that fails: the packages are installed, the step is not done.
    let real = std::fs::read_to_string(machine.file("usr/sbin/modprobe")).unwrap();
    machine.shell("printf '#!/bin/sh\\necho no such device >&2\\nexit 1\\n' > /usr/sbin/modprobe");
    let message = machine.fails(&[], "NvidiaModuleNotLoaded");
    assert!(message.contains("no such device"), "{message}");
    machine.power_cycle();
    std::fs::write(machine.file("usr/sbin/modprobe"), real).unwrap();
    let nowhere = ["nvidia.repository=http://127.0.0.1:9/nothing"];
    machine.installs(&nowhere);
    assert_eq!(machine.loaded().as_deref(), Some("550.127.05 open"));
    machine.is_done(&nowhere);
}

#[test]
fn reboot_before_verify_dnf() {
    reboot_before_verify(Family::Dnf);
}

#[test]
fn reboot_before_verify_apt() {
    reboot_before_verify(Family::Apt);
}
