//! `gpunode-agent watch` tells what comes and goes, and ends when it is told to or nobody reads any more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

use gpunode_tests::looked::Machine;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Only a watch that hangs gets there.
const PATIENCE: Duration = Duration::from_secs(90);

/// Starts `watch`, which is killed when it hangs: whoever reads its lines then comes to their end.
fn start(machine: &Machine, args: &[&str]) -> Child {
    let child = machine.command("watch", args).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    std::thread::spawn(move || {
        std::thread::sleep(PATIENCE);
        let _ = kill(pid, Signal::SIGKILL);
    });
    child
}

fn end(child: &mut Child) -> Option<i32> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    None
}

fn interrupt(child: &Child) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
}

#[test]
fn json_lines_tell_the_whole_once_and_then_what_changes() {
    let machine = Machine::new("healthy-p5");
    let mut child = start(&machine, &["--json"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let first = lines.next().unwrap();
    assert_eq!(
        (first["schema"].as_str(), first["event"].as_str()),
        (Some("gpunode.io/watch/v1"), Some("report"))
    );
    assert_eq!(first["report"]["verdict"], "healthy", "{first:#}");
    let mut wait_for = |event: &str| {
        let is_it = |line: &Value| line["event"] == event && line["finding"]["code"] == "GpuRemapPending";
        lines.find(is_it).unwrap()
    };
    machine.play("remap-pending");
    let appeared = wait_for("appeared");
    assert_eq!(appeared["finding"]["subject"]["pci"], machine.tree.gpu(2).address());
    machine.play("healthy-p5");
    wait_for("gone");
    interrupt(&child);
    assert_eq!(end(&mut child), Some(0));
}

#[test]
fn a_pipe_gets_a_line_a_change_and_its_end_ends_the_watch() {
    let machine = Machine::new("gpu-lost");
    let mut child = start(&machine, &[]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(" new: error GpuLost GPU ")));
    assert!(lines.any(|line| line.contains(" unhealthy: 8 GPUs, 32 EFA, 1 findings")));
    drop(lines);
    // The next line has no reader.
    machine.play("healthy-p5");
    assert_eq!(end(&mut child), Some(0));
}
