//! The release programs run on any Linux, because they ask for nothing but a kernel.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;
use std::path::Path;

use gpunode_tests::binary::{agent, daemonset};
use gpunode_tests::elf::Linkage;
use gpunode_tests::process::output;

#[test]
fn the_agent_asks_for_no_loader_and_no_library() {
    let linkage = Linkage::read(&agent()).unwrap();
    assert!(linkage.is_static(), "{linkage:?}");
}

#[test]
fn the_daemonset_asks_for_no_loader_and_no_library() {
    let linkage = Linkage::read(&daemonset()).unwrap();
    assert!(linkage.is_static(), "{linkage:?}");
}

/// DESIGN, budgets: 8 MiB for the agent, 10 MiB for the daemonset, the probe in them included.
#[test]
fn each_is_as_small_as_it_was_promised() {
    for (program, most) in [(agent(), 8 << 20), (daemonset(), 10 << 20)] {
        let size = fs::metadata(&program).unwrap().len();
        assert!(size <= most, "{}: {size} bytes, {most} are allowed", program.display());
    }
}

#[test]
fn the_agent_runs_in_an_empty_folder() {
    runs(&agent(), "gpunode-agent");
}

#[test]
fn the_daemonset_runs_in_an_empty_folder() {
    runs(&daemonset(), "gpunode-daemonset");
}

fn runs(program: &Path, name: &str) {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(program, dir.path().join(name)).unwrap();
    let root = dir.path().to_str().unwrap();
    let output = output(30, ["chroot", root, &format!("/{name}"), "--version"]).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !said.contains("cannot change root directory"),
        "this test changes its root: run it as root. {said}"
    );
    assert!(output.status.success(), "{}: {said}", output.status);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.starts_with(&format!("{name} ")), "it printed {printed:?}");
}
