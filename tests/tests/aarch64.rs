//! The programs for aarch64 machines are static and run, under emulation where this is another machine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use gpunode_tests::agent;
use gpunode_tests::binary::{agent_aarch64, daemonset_aarch64, emulator_aarch64};
use gpunode_tests::elf::Linkage;
use gpunode_tests::process::output;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// What is run: the arguments, and what the command must print on standard output.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["--version"], "gpunode-agent "),
    (&["demo"], "The node is as it should be"),
    (&["demo", "--instance-type", "g5g.16xlarge"], "The node is as it should be"),
];

/// Emulation is some twenty times slower than the processor; the slowest command natively ends within 5 s.
const SECONDS: u32 = 100;

/// As a boot has it.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn run(program: &Path, arguments: &[&str]) -> Output {
    // Of the names that this test is told by, the agent would say that it knows no such setting.
    let mut words: Vec<OsString> = ["env", "-i", PATH].map(Into::into).into();
    words.extend(emulator_aarch64().map(Into::into));
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

/// Machines that the agent can be shown: of an instance type for this processor, and the largest there is.
const MACHINES: [&str; 3] = ["g5g.16xlarge", "p6e-gb200.36xlarge", "p5.48xlarge"];
/// Nobody listens there: discard (RFC 863).
const NO_METADATA: [&str; 2] = ["--set", "imds.endpoint=http://127.0.0.1:9"];

/// A machine of this type in a folder, as the agent itself makes it.
fn machine(kind: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("machine").to_str().unwrap().to_owned();
    let built = run(&agent_aarch64(), &["demo", "--instance-type", kind, "--dir", &root]);
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    (folder, root)
}

/// What the look writes before its report where it is asked by hand: exit code, and length.
const HEAD: usize = 5;

/// `check` looks in a process of its own, which the emulator cannot start, since the kernel refuses a program for
/// another processor; there the look itself is asked. Nor can it start the probe from memory, for the same reason: what is
/// tested here of NVML and libfabric is that this is told, and hides nothing else.
#[test]
fn the_agent_checks_a_machine() {
    let is_emulated = emulator_aarch64().is_some();
    for kind in MACHINES {
        let (_folder, root) = machine(kind);
        let look: &[&str] = if is_emulated { &["--apart", "plain"] } else { &[] };
        let words =
            [&["check", "--json", "--deadline", "60", "--root", &root][..], &NO_METADATA, look].concat();
        let output = run(&agent_aarch64(), &words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{kind}: without NVML nobody can tell: {said}");
        let text = if is_emulated { &output.stdout[HEAD..] } else { &output.stdout[..] };
        let report: serde_json::Value = serde_json::from_slice(text).unwrap();
        let kind = gpunode_host::catalog::find(kind).unwrap();
        let count = |what: &str| report[what].as_array().unwrap().len();
        assert_eq!(count("gpus"), usize::try_from(kind.gpu_count()).unwrap(), "{}", kind.name);
        let efa = report["efa"].as_array().unwrap();
        assert!(efa.len() == count("efa") && efa.iter().all(|one| one["txBytes"].is_u64()), "{efa:?}");
        let told = |code: &str| {
            let mut findings = report["findings"].as_array().unwrap().iter();
            findings.any(|found| found["code"] == code)
        };
        assert!(told("GpuProbeNotStarted"), "{}", report["findings"]);
        assert_eq!(told("LibfabricProbeFailed"), !efa.is_empty(), "{}", report["findings"]);
        assert!(
            !told("EfaMissing") && !told("GpuMissing") && !told("GpuProbeHung"),
            "{}",
            report["findings"]
        );
    }
}

/// A look that could not even be started is told in words: an exit code alone helps nobody.
#[test]
fn a_look_that_does_not_start_is_told() {
    let (_folder, root) = machine("g5g.16xlarge");
    let output = run(&agent_aarch64(), &[&["check", "--root", &root][..], &NO_METADATA].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    // On an aarch64 itself it starts.
    let is_told = said.contains("the process that looks at the devices: ");
    assert_eq!(is_told, emulator_aarch64().is_some(), "{said:?}");
}

#[test]
fn the_agent_watches_a_machine_until_it_is_told_to_end() {
    let (_folder, root) = machine("g5g.16xlarge");
    let program = agent_aarch64();
    let mut command = match emulator_aarch64() {
        Some(emulator) => agent::program(emulator),
        None => agent::program("env"),
    };
    command.arg(program).args(["watch", "--root", &root]).args(NO_METADATA);
    let mut watch = command.spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(watch.id()).unwrap());
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(SECONDS.into()));
        let _ = kill(pid, Signal::SIGKILL);
    });
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    assert!(first.contains(" watching g5g.16xlarge"), "{first}");
    assert!(lines.any(|line| line.contains(" unknown: 2 GPUs, ")), "the verdict");
    kill(pid, Signal::SIGINT).unwrap();
    assert_eq!(watch.wait().unwrap().code(), Some(0));
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
