//! The demo machine's disks: loop devices where they may be had, files elsewhere, and nothing stays behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::cell::Cell;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use gpunode_tests::agent::{self, demo, finish, folder, program, text, wait_until};
use gpunode_tests::binary;
use gpunode_tests::trace::{self, Change, Strike};
use nix::sys::signal::Signal;
use serde_json::Value;

/// Loop devices over files in this folder, removed files included.
fn attached(dir: &Path) -> usize {
    let devices = fs::read_dir("/sys/class/block").unwrap().map(|entry| entry.unwrap().path());
    let files = devices.filter_map(|device| fs::read_to_string(device.join("loop/backing_file")).ok());
    files.filter(|file| Path::new(file).starts_with(dir)).count()
}

/// `loop devices` or `files`, as the first line says.
fn kind(stdout: &str) -> String {
    let first: Value = serde_json::from_str(stdout.lines().next().unwrap()).unwrap();
    assert_eq!(first["event"], "machine", "{first}");
    first["disks"].as_str().unwrap().to_owned()
}

fn can_have_loops() -> bool {
    nix::unistd::geteuid().is_root() && File::open("/dev/loop-control").is_ok()
}

/// The first run has blank disks, the second finds its array and file system on them.
#[test]
fn root_gets_loop_devices_and_they_are_gone_after_each_run() {
    let dir = folder();
    let expected = if can_have_loops() { "loop devices" } else { "files" };
    for outcome in ["changed", "unchanged"] {
        let run = demo(dir.path(), &[]);
        assert_eq!((run.code, kind(&run.stdout).as_str()), (0, expected), "{run:?}");
        assert_eq!(run.report().outcome("data-volumes"), outcome);
        assert_eq!(attached(dir.path()), 0);
    }
}

#[test]
fn a_foreign_file_system_is_seen_through_the_disk() {
    let dir = folder();
    let run = demo(dir.path(), &["--break", "data-volumes"]);
    let report = run.report();
    assert!(report.finding("DataDiskHoldsData").message.contains("ext"), "{run:?}");
    assert_eq!(attached(dir.path()), 0);
}

/// The kernel frees what a killed process held: before the look at the disks, after it, and when the array is made.
#[test]
fn a_killed_demo_leaves_no_loop_device() {
    for (file, disks) in [("etc/os-release", 0), ("data-volume", 9), ("md127", 9)] {
        let dir = folder();
        let held = Cell::new(0);
        let is_the_place = |change: &Change| {
            let counts = change.path.starts_with(dir.path()) && change.path.to_string_lossy().contains(file);
            if counts {
                held.set(attached(dir.path()));
            }
            counts
        };
        let mut command = agent::command();
        command.args(["demo", "--json", "--dir", text(dir.path())]);
        let killed = trace::run(&mut command, Some(Strike { at: 1, signal: Signal::SIGKILL }), is_the_place);
        assert_eq!(killed.code, None, "{file}: {killed:?}");
        assert_eq!(held.get(), if can_have_loops() { disks } else { 0 }, "{file}");
        wait_until("the kernel has freed them", || attached(dir.path()) == 0);
    }
}

#[test]
fn who_may_not_have_loop_devices_gets_files_and_is_told_why() {
    let place = folder();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let copy = place.path().join("gpunode-agent");
    fs::copy(binary::agent(), &copy).unwrap();
    let nobody = |arguments: &[&str]| {
        let mut command = program("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", text(&copy)]);
        finish(command.args(arguments).env("TMPDIR", place.path()))
    };
    let run = nobody(&["demo", "--json"]);
    assert_eq!((run.code, kind(&run.stdout).as_str()), (0, "files"), "{run:?}");
    let run = nobody(&["demo"]);
    let line = run.stdout.lines().find(|line| line.contains("disks were files")).expect("the line");
    assert!(line.contains("/dev/loop-control: "), "{line}");
}
