//! Machines without a GPU, with as many as there can be, and probes that are left alone.

use std::io::Write as _;

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::ProcessKind;
use gpunode_probe_protocol::message::{Say, Want};

use crate::probe::{Probe, gpu};

#[test]
fn a_machine_without_gpus_has_none() {
    let sweep = Probe::start("profile = 'h100'\ncount = 0").whole();
    assert_eq!(sweep.count, Reading::Value(0));
}

#[test]
fn sixteen_gpus_full_of_processes_fit_in_one_message() {
    let addresses: Vec<String> = (0..16).map(|bus| format!("0000:{bus:02x}:00.0")).collect();
    let process = |pid: u32, kind: &str| format!("{{ kind = {kind:?}, pid = {pid}, memory = 42 }}");
    let processes: Vec<String> = (0..3000).map(|pid| process(4_000_000 + pid, "compute")).collect();
    let every = format!("[every]\nprocesses = [{}, {}]", process(7, "mps"), processes.join(", "));
    let scenario = format!("profile = 'b200'\npci = {addresses:?}\n{every}");
    let sweep = Probe::start(&scenario).whole();
    let processes = gpu(&sweep, 15).processes.value().unwrap();
    assert!(processes.iter().any(|process| process.kind == ProcessKind::Mps && process.pid == 7));
    assert!(processes.len() <= 1025, "{}", processes.len());
}

#[test]
fn a_domain_of_more_than_four_digits_is_written_as_the_kernel_does() {
    let sweep = Probe::start("profile = 'h100'\npci = ['10000:e1:00.0', '0009:01:00.0']").whole();
    assert_eq!(gpu(&sweep, 0).pci, "10000:e1:00.0");
    assert_eq!(gpu(&sweep, 1).pci, "0009:01:00.0");
}

#[test]
fn it_ends_when_the_socket_does_even_with_a_call_that_hangs() {
    let mut probe = Probe::start("profile = 'h100'\n[calls.nvmlInit_v2]\nsystem = { hang = true }");
    probe.send(60_000, Want::Gpus { skip: Vec::new(), slow: false });
    probe.socket.shutdown(std::net::Shutdown::Write).unwrap();
    let (status, said) = probe.end();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn goodbye_is_its_last_word() {
    let mut probe = Probe::start("profile = 'h100'");
    assert_eq!(probe.ask(1000, Want::Goodbye), Say::Goodbye);
    assert!(probe.next().is_none());
    assert_eq!(probe.end().0.code(), Some(0));
}

#[test]
fn garbage_ends_it_with_one_line() {
    let garbage: [&[u8]; 4] =
        [&[0xff; 64], b"GET / HTTP/1.1\r\n\r\n", &[3, 0, 0, 0, 1, 0, 0xff], &[0, 0x21, 0, 0, 1]];
    for bytes in garbage {
        let mut probe = Probe::start("profile = 'h100'");
        probe.socket.write_all(bytes).unwrap();
        let (status, said) = probe.end();
        assert_eq!(status.code(), Some(1), "{bytes:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn a_second_question_before_the_answer_ends_it() {
    let mut probe = Probe::start("profile = 'h100'\n[calls.nvmlInit_v2]\nsystem = { hang = true }");
    let want = Want::Gpus { skip: Vec::new(), slow: false };
    probe.send(60_000, want.clone());
    probe.send(60_000, want);
    assert_eq!(probe.end().0.code(), Some(1));
}

/// The socket outlives the parent here: another process may have inherited it.
#[test]
fn it_ends_when_its_parent_does() {
    let scenario = "profile = 'h100'\n[calls.nvmlInit_v2]\nsystem = { hang = true }";
    let mut probe = Probe::start_under_a_shell(scenario);
    probe.send(60_000, Want::Gpus { skip: Vec::new(), slow: false });
    probe.child.kill().unwrap();
    assert!(probe.next().is_none());
}
