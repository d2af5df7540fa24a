//! `gpunode-agent watch` tells what comes and goes, and ends when it is told to or nobody reads any more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use gpunode_tests::agent;
use gpunode_tests::looked::Machine;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Only a watch that hangs gets there.
const PATIENCE: Duration = Duration::from_secs(90);

/// Starts `watch`, which is killed when it hangs: whoever reads its lines then comes to their end.
fn start(machine: &Machine, args: &[&str]) -> Child {
    guarded(machine.command("watch", args).spawn().unwrap())
}

fn guarded(child: Child) -> Child {
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

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

fn interrupt(child: &Child) {
    send(child, Signal::SIGINT);
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap)
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
fn a_driver_s_file_that_stands_is_told_of_its_card_and_the_watch_goes_on() {
    let machine = Machine::new("healthy-p5");
    let (stands, other) = (machine.tree.efa(9), machine.tree.efa(20));
    stands.stall_file("fw_ver").unwrap();
    let mut child = start(&machine, &["--json"]);
    let mut lines = lines(&mut child).map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let of = |finding: &Value, code: &str, address: &str| {
        finding["code"] == code && finding["subject"]["pci"] == address
    };
    // In the first report, or after it.
    let told = |line: &Value| {
        let found = line["report"]["findings"].as_array().into_iter().flatten();
        let appeared = (line["event"] == "appeared").then_some(&line["finding"]);
        found.chain(appeared).any(|finding| of(finding, "EfaDriverHangs", stands.address()))
    };
    lines.find(told).unwrap();
    other.set_counter("no_completion_cmds", 1).unwrap();
    let is = |line: &Value, event: &str, code: &str, address: &str| {
        line["event"] == event && of(&line["finding"], code, address)
    };
    lines.find(|line| is(line, "appeared", "EfaAdminTimeout", other.address())).unwrap();
    stands.release_file("fw_ver", "0.0.0.0").unwrap();
    lines.find(|line| is(line, "gone", "EfaDriverHangs", stands.address())).unwrap();
    interrupt(&child);
    assert_eq!(end(&mut child), Some(0));
}

#[test]
fn a_pipe_gets_a_line_a_change_and_its_end_ends_the_watch() {
    let machine = Machine::new("gpu-lost");
    let mut child = start(&machine, &[]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(" new: error GpuLost GPU ")));
    assert!(lines.any(|line| line.contains(" unhealthy: 8 GPUs, 32 EFA, 1 finding")));
    drop(lines);
    // The next line has no reader.
    machine.play("healthy-p5");
    assert_eq!(end(&mut child), Some(0));
}

/// The EFA cards are asked one after the other, which takes ten seconds: nobody waits for a word for so long.
#[test]
fn a_pipe_is_told_what_is_watched_and_what_is_known_before_the_verdict() {
    let machine = Machine::new("healthy-p5");
    let mut child = start(&machine, &[]);
    let mut lines = lines(&mut child);
    let first = lines.next().unwrap();
    assert!(first.contains(" watching p5.48xlarge"), "{first}");
    let second = lines.next().unwrap();
    assert!(second.contains(" so far: ") && second.contains("; no answer yet from "), "{second}");
    assert!(!second.contains("healthy"), "nobody knows yet: {second}");
    let verdict = lines.next().unwrap();
    assert!(verdict.ends_with(" healthy: 8 GPUs, 32 EFA, 0 findings"), "{verdict}");
    interrupt(&child);
    assert_eq!(end(&mut child), Some(0));
}

#[test]
fn a_hang_up_ends_the_watch() {
    let machine = Machine::new("healthy-p5");
    for words in [&[][..], &["--json"]] {
        let mut child = start(&machine, words);
        lines(&mut child).next().unwrap();
        send(&child, Signal::SIGHUP);
        assert_eq!(end(&mut child), Some(0), "{words:?}");
    }
}

#[test]
fn whoever_is_started_by_nohup_watches_on() {
    let machine = Machine::new("healthy-p5");
    let watch = machine.command("watch", &[]);
    let mut command = agent::program("nohup");
    command.arg(watch.get_program()).args(watch.get_args());
    let streams = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = guarded(streams.spawn().unwrap());
    let mut lines = lines(&mut child);
    lines.next().unwrap();
    send(&child, Signal::SIGHUP);
    machine.play("remap-pending");
    assert!(lines.any(|line| line.contains(" new: ") && line.contains("GpuRemapPending")));
    interrupt(&child);
    assert_eq!(end(&mut child), Some(0));
}
