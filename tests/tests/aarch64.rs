//! The programs for aarch64 machines are static and run, under emulation where this is another machine.

#![allow(clippy::panic, reason = "what helps a test is a test")]

use std::ffi::OsString;
use std::path::Path;
use std::process::Output;

use gpunode_tests::binary::{agent_aarch64, daemonset_aarch64, emulator_aarch64};
use gpunode_tests::elf::Linkage;
use gpunode_tests::process::output;

/// What is run: the arguments, and what the command must print on standard output.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["--version"], "gpunode-agent "),
    (&["demo"], "The node is as it should be"),
    (&["demo", "--instance-type", "g5g.16xlarge"], "The node is as it should be"),
];

/// Emulation is some twenty times slower than the processor; the slowest command natively ends within 5 s.
const SECONDS: u32 = 100;

fn run(program: &Path, arguments: &[&str]) -> Output {
    let mut words: Vec<OsString> = emulator_aarch64().into_iter().map(Into::into).collect();
    words.push(program.into());
    words.extend(arguments.iter().map(Into::into));
    output(SECONDS, &words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

#[test]
fn the_programs_ask_for_no_loader_and_no_library() {
    for program in [agent_aarch64(), daemonset_aarch64()] {
        let linkage = Linkage::read(&program).unwrap();
        assert_eq!(linkage.machine, object::elf::EM_AARCH64);
        assert!(linkage.is_static(), "{linkage:?}");
    }
}

#[test]
fn the_agent_s_commands_run() {
    for (arguments, expected) in COMMANDS {
        let output = run(&agent_aarch64(), arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {}: {said}", output.status);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(printed.contains(expected), "{arguments:?} printed {printed:?}, not {expected:?}");
    }
}

/// A Grace Blackwell machine, as it would be told to the cluster. Nobody can load NVML there, so its GPUs are not
/// called healthy, and the exit code says so.
#[test]
fn the_daemonset_tells_of_a_machine() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("machine");
    let root = root.to_str().unwrap();
    let built = run(&agent_aarch64(), &["demo", "--instance-type", "p6e-gb200.36xlarge", "--dir", root]);
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let told = run(&daemonset_aarch64(), &["--root", root, "--node-name", "grace", "--once", "--dry-run"]);
    let (sent, said) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert_eq!(told.status.code(), Some(3), "{sent}\n{said}");
    for part in ["nodes/grace/status", "GPUHealthy", "EFAHealthy"] {
        assert!(sent.contains(part), "{part}: {sent}\n{said}");
    }
}
