//! Signals, and two agents at once: a run that is told to end says so, and the next one finds the machine free.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use gpunode_tests::agent::{self, Started, bootstrap, demo, finish, fresh_machine, text, wait_until};
use gpunode_tests::trace::{self, Change, Strike};
use gpunode_tests::tree::Tree;
use nix::sys::signal::Signal;
use serde_json::Value;

#[path = "../../agent/imds/tests/fake/mod.rs"]
mod fake;
use fake::{Act, Fake};

/// A metadata service that accepts every question and never answers.
fn silent() -> Fake {
    Fake::start(|_| Act::Hang(Vec::new()))
}

/// A run that waits for the metadata service, until somebody ends it.
fn waiting(dir: &Path, imds: &Fake) -> Started {
    waiting_by(dir, imds, |command| agent::on_hangup(command, true))
}

fn waiting_by(dir: &Path, imds: &Fake, start: impl Fn(&Command) -> Command) -> Started {
    let patient = ["--set", "imds.deadlineSeconds=300"];
    let before = imds.seen().len();
    let path = dir.join("var/lib/gpunode/journal.jsonl");
    let lines = || fs::read_to_string(&path).unwrap_or_default();
    let looks = || lines().matches(r#""event":"look""#).count();
    let looked = looks();
    let run = Started::new(&mut start(&bootstrap(dir, &imds.settings().endpoint, &patient)));
    wait_until("the agent asks", || imds.seen().len() > before);
    // The step asks on its own thread, beside the one that keeps the journal.
    wait_until("the journal says so", || looks() > looked && lines().ends_with('\n'));
    run
}

fn journal(dir: &Path) -> Vec<Value> {
    let text = fs::read_to_string(dir.join("var/lib/gpunode/journal.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_signal_ends_the_run_in_order() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let dir = fresh_machine("p5.4xlarge");
        let imds = silent();
        let run = waiting(dir.path(), &imds);
        run.signal(signal);
        let run = run.finish();
        assert_eq!(run.code, 130, "{signal}: {run:?}");
        let report = run.report();
        assert_eq!(report.verdict(), "degraded");
        assert_eq!(report.outcome("facts"), "failed");
        assert_eq!(report.finding("RunInterrupted").subject, "facts");
        assert_eq!(report.outcome("data-volumes"), "not-run");
        let kept: Value =
            serde_json::from_slice(&fs::read(dir.path().join("run/gpunode/report.json")).unwrap()).unwrap();
        assert_eq!(kept, report.0, "{signal}");
        every_step_has_its_end(&journal(dir.path()));
        // The lock is free, and what was not done is done now.
        let next = demo(dir.path(), &["--instance-type", "p5.4xlarge"]);
        assert_eq!(next.code, 0, "{signal}: {next:?}");
        assert!(!next.report().has("RunNotFinished"), "{signal}: {next:?}");
    }
}

#[test]
fn a_run_by_nohup_goes_on_when_its_terminal_goes() {
    let (dir, imds) = (fresh_machine("p5.4xlarge"), silent());
    let run = waiting_by(dir.path(), &imds, |command| agent::on_hangup(command, false));
    run.signal(Signal::SIGHUP);
    // Who was told to end does not ask again.
    let asked = imds.seen().len();
    wait_until("the agent asks again", || imds.seen().len() > asked);
    run.signal(Signal::SIGTERM);
    assert_eq!(run.finish().code, 130);
}

fn every_step_has_its_end(journal: &[Value]) {
    let steps = |event: &str| {
        let lines = journal.iter().filter(|line| line["event"] == event);
        lines.map(|line| line["step"].clone()).collect::<Vec<_>>()
    };
    let ended = steps("end-step");
    for step in steps("look") {
        assert!(ended.contains(&step), "{step} has no end: {journal:#?}");
    }
    assert_eq!(journal.last().unwrap()["event"], "end");
}

#[test]
fn a_signal_at_any_change_ends_the_run_in_order() {
    let kind = ["--instance-type", "p5.4xlarge"];
    let go = |dir: &Path, strike| {
        let mut command = agent::command();
        command.args(["demo", "--dir", text(dir)]).args(kind);
        trace::run(&mut command, strike, |change| change.path.starts_with(dir))
    };
    let whole = fresh_machine("p5.4xlarge");
    let all = go(whole.path(), None).changes.len();
    let whole = Tree::read(whole.path()).without_ids();
    for at in (1..=all).step_by(12) {
        let dir = fresh_machine("p5.4xlarge");
        let strike = Strike { at, signal: Signal::SIGTERM };
        let traced = go(dir.path(), Some(strike));
        // Another order of the threads can make fewer changes: then no signal came.
        if traced.changes.len() < at {
            continue;
        }
        // Once only the records of the run are written, its result stands: the signal is seen in time or not.
        let records = ["run/gpunode", "var/lib/gpunode"].map(|folder| dir.path().join(folder));
        let is_record = |change: &Change| records.iter().any(|folder| change.path.starts_with(folder));
        let over = traced.changes[at..].iter().all(is_record);
        if over && traced.code == Some(0) {
            continue;
        }
        assert_eq!(traced.code, Some(130), "change {at} of {all}: {:?}", &traced.changes[at - 1..]);
        every_step_has_its_end(&journal(dir.path()));
        let next = demo(dir.path(), &kind);
        assert_eq!(next.code, 0, "change {at}: {next:?}");
        let differs = whole.differences(&Tree::read(dir.path()).without_ids());
        assert!(differs.is_empty(), "change {at}: {differs:#?}");
    }
}

#[test]
fn a_second_agent_is_told_who_is_first_and_changes_nothing() {
    let dir = fresh_machine("p5.4xlarge");
    let imds = silent();
    let first = waiting(dir.path(), &imds);
    let before = Tree::with_records(dir.path());
    let asked = imds.seen().len();
    let second = finish(&mut bootstrap(dir.path(), &imds.settings().endpoint, &[]));
    assert_eq!(second.code, 3, "{second:?}");
    let pid = format!("process {}", first.pid());
    assert!(second.stderr.contains(&pid), "{second:?}");
    let changed = before.differences(&Tree::with_records(dir.path()));
    assert!(changed.is_empty(), "{changed:#?}");
    assert_eq!(imds.seen().len(), asked);
}

#[test]
fn after_sigkill_the_lock_is_free_and_the_next_run_tells() {
    let dir = fresh_machine("p5.4xlarge");
    let imds = silent();
    let first = waiting(dir.path(), &imds);
    first.signal(Signal::SIGKILL);
    assert_eq!(first.finish().code, -1);
    let next = demo(dir.path(), &["--instance-type", "p5.4xlarge"]);
    assert_eq!(next.code, 0, "{next:?}");
    assert_eq!(next.report().finding("RunNotFinished").severity, "info");
}

/// A program that the agent has started does not outlive it: it would race with the next run.
#[test]
fn a_program_that_hangs_ends_with_the_agent() {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let dir = fresh_machine("p5.4xlarge");
        let pid = hanging_program(dir.path(), "usr/sbin/tc");
        let imds = Fake::start(|_| fake::status(404));
        let run = Started::new(&mut bootstrap(dir.path(), &imds.settings().endpoint, &[]));
        let read = || fs::read_to_string(&pid).ok()?.trim().parse::<u32>().ok();
        wait_until("the program runs", || read().is_some());
        let program = format!("/proc/{}/status", read().unwrap());
        run.signal(signal);
        let code = run.finish().code;
        assert_eq!(code, if signal == Signal::SIGTERM { 130 } else { -1 });
        wait_until("the program is gone", || match fs::read_to_string(&program) {
            Ok(status) => status.contains("State:\tZ"),
            Err(_) => true,
        });
    }
}

/// A program that writes down its number and then waits for ever, in the machine's own tree; where it writes it.
fn hanging_program(dir: &Path, path: &str) -> std::path::PathBuf {
    let shell = dir.join("bin/busybox");
    fs::create_dir_all(shell.parent().unwrap()).unwrap();
    fs::copy("/bin/busybox", &shell).expect("busybox, statically linked");
    let program = dir.join(path);
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    let script = "#!/bin/busybox sh\necho $$ > /hanging\nwhile :; do /bin/busybox sleep 1000; done\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    dir.join("hanging")
}

/// Who reads the output may go away: the run goes on to its end all the same.
#[test]
fn a_reader_that_is_gone_does_not_end_the_run() {
    for json in [true, false] {
        for closed in ["pipe", "full disk"] {
            let dir = fresh_machine("p5.4xlarge");
            let sink = || match closed {
                "pipe" => std::process::Stdio::from(std::io::pipe().unwrap().1),
                _ => File::options().write(true).open("/dev/full").unwrap().into(),
            };
            let mut command = agent::command();
            command.args(["demo", "--instance-type", "p5.4xlarge", "--dir", text(dir.path())]);
            command.args(json.then_some("--json")).stdout(sink()).stderr(sink());
            let run = finish(&mut command);
            assert_eq!(run.code, 0, "{closed}, json {json}");
            let report: Value =
                serde_json::from_slice(&fs::read(dir.path().join("run/gpunode/report.json")).unwrap())
                    .unwrap();
            assert_eq!(report["verdict"], "ok");
        }
    }
}
