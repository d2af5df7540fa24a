//! The agent for aarch64 machines is static and runs, under emulation where this is another machine.

use std::ffi::OsString;

use gpunode_tests::binary::{agent_aarch64, emulator_aarch64};
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

#[test]
fn the_agent_asks_for_no_loader_and_no_library() {
    let linkage = Linkage::read(&agent_aarch64()).unwrap();
    assert_eq!(linkage.machine, object::elf::EM_AARCH64);
    assert!(linkage.is_static(), "{linkage:?}");
}

#[test]
fn the_agent_s_commands_run() {
    let agent = agent_aarch64();
    for (arguments, expected) in COMMANDS {
        let mut words: Vec<OsString> = emulator_aarch64().into_iter().map(Into::into).collect();
        words.push(agent.clone().into());
        words.extend(arguments.iter().map(Into::into));
        let output = output(SECONDS, &words).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {}: {said}", output.status);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(printed.contains(expected), "{words:?} printed {printed:?}, not {expected:?}");
    }
}
