//! The release agent runs on any Linux, because it asks for nothing but a kernel.

use std::fs;

use gpunode_tests::binary::agent;
use gpunode_tests::elf::Linkage;
use gpunode_tests::process::output;

#[test]
fn the_agent_asks_for_no_loader_and_no_library() {
    let linkage = Linkage::read(&agent()).unwrap();
    assert!(linkage.is_static(), "{linkage:?}");
}

#[test]
fn the_agent_runs_in_an_empty_folder() {
    let agent = agent();
    let dir = tempfile::tempdir().unwrap();
    fs::copy(&agent, dir.path().join("gpunode-agent")).unwrap();
    let root = dir.path().to_str().unwrap();
    let output = output(30, ["chroot", root, "/gpunode-agent", "--version"]).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !said.contains("cannot change root directory"),
        "this test changes its root: run it as root. {said}"
    );
    assert!(output.status.success(), "{}: {said}", output.status);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.starts_with("gpunode-agent "), "it printed {printed:?}");
}
