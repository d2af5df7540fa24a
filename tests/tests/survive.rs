//! A run that is killed anywhere is made good by the next one: SIGKILL right before each change to the machine's
//! files, then a second run, whose machine must be the one that an undisturbed run leaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gpunode_tests::agent::{self, Run, demo, fresh_machine, text};
use gpunode_tests::binary;
use gpunode_tests::trace::{self, Change, Strike, Traced};
use gpunode_tests::tree::Tree;
use nix::sys::signal::Signal;

/// Cuts up to here are all made, and then every [`STRIDE`]th; all where `GPUNODE_THOROUGH` is set.
const DENSE: usize = 25;
const STRIDE: usize = 5;

#[test]
fn killed_anywhere_with_eight_disks() {
    sweep(Case { kind: "p5.48xlarge", on_failure: "taint" });
}

#[test]
fn killed_anywhere_with_one_disk() {
    sweep(Case { kind: "p5.4xlarge", on_failure: "halt" });
}

#[test]
fn killed_anywhere_without_disks() {
    sweep(Case { kind: "g5g.xlarge", on_failure: "taint" });
}

/// A machine, and what it does when a step fails.
#[derive(Clone, Copy, Debug)]
struct Case {
    kind: &'static str,
    on_failure: &'static str,
}

impl Case {
    fn go(self, dir: &Path) -> Run {
        demo(dir, &self.words())
    }

    fn words(self) -> [&'static str; 4] {
        let policy = if self.on_failure == "halt" { "onFailure=halt" } else { "onFailure=taint" };
        ["--instance-type", self.kind, "--set", policy]
    }
}

/// What a run on a fresh machine changes, that machine, and the one it leaves.
struct Undisturbed {
    changes: Vec<Change>,
    fresh: Tree,
    done: Tree,
}

fn sweep(case: Case) {
    let undisturbed = undisturbed(case);
    let all = undisturbed.changes.len();
    assert!(all > 2 * DENSE, "{all} changes");
    let step = if binary::thorough() { 1 } else { STRIDE };
    let cuts: Vec<_> = (1..=DENSE).chain((DENSE + 1..=all).step_by(step)).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                while let Some(at) = cuts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    cut(case, *at, &undisturbed);
                }
            });
        }
    });
}

fn undisturbed(case: Case) -> Undisturbed {
    let dir = fresh_machine(case.kind);
    let fresh = Tree::read(dir.path()).without_ids();
    let Traced { changes, code } = run_until(case, dir.path(), None);
    assert_eq!(code, Some(0));
    let kinds: BTreeSet<_> = changes.iter().map(|change| change.call).collect();
    for needed in ["fsync", "mkdir", "open", "rename", "write"] {
        assert!(kinds.contains(needed), "{case:?}: no {needed} among {kinds:?}");
    }
    Undisturbed { changes, fresh, done: Tree::read(dir.path()).without_ids() }
}

/// One machine: killed before change number `at`, run again, and once more.
fn cut(case: Case, at: usize, undisturbed: &Undisturbed) {
    let dir = fresh_machine(case.kind);
    let traced = run_until(case, dir.path(), Some(Strike { at, signal: Signal::SIGKILL }));
    let Some(change) = traced.changes.get(at - 1) else {
        // Threads run in another order each time; a few changes more or less, such as a folder that is there
        // already, are usual.
        assert_eq!(traced.code, Some(0), "{case:?}, cut {at}");
        return;
    };
    let place = format!("{case:?}, killed before change {at}, {change:?}");
    assert_eq!(traced.code, None, "{place}");
    is_not_let_in_unproven(&place, case, dir.path(), undisturbed);
    let was_cut_off = has_open_end(dir.path());
    let second = case.go(dir.path());
    assert_eq!(second.code, 0, "{place}: {second:?}");
    let report = second.report();
    assert_eq!(report.verdict(), "ok", "{place}: {second:?}");
    assert_eq!(report.has("RunNotFinished"), was_cut_off, "{place}: {second:?}");
    let tree = Tree::read(dir.path());
    let differs = undisturbed.done.differences(&tree.clone().without_ids());
    assert!(differs.is_empty(), "{place}: {differs:#?}");
    let third = case.go(dir.path());
    assert_eq!(third.code, 0, "{place}: {third:?}");
    assert!(!third.report().has("RunNotFinished"), "{place}: {third:?}");
    let changed = tree.differences(&Tree::read(dir.path()));
    assert!(changed.is_empty(), "{place}: {changed:#?}");
}

/// A node that is free to join as a healthy one was either not touched yet, or is all that it should be.
fn is_not_let_in_unproven(place: &str, case: Case, dir: &Path, undisturbed: &Undisturbed) {
    let tree = Tree::read(dir).without_ids();
    let holds = |path: &str, text: &str| {
        tree.0.get(path).is_some_and(|entry| String::from_utf8_lossy(&entry.content).contains(text))
    };
    let conditions =
        ["nodeadm-run", "kubelet"].map(|unit| format!("etc/systemd/system/{unit}.service.d/10-gpunode.conf"));
    let guarded = match case.on_failure {
        "halt" => {
            tree.0.contains_key("run/gpunode/halt")
                && conditions.iter().all(|path| holds(path, "ConditionPathExists=!/run/gpunode/halt"))
        }
        _ => holds("etc/eks/nodeadm.d/90-gpunode-kubelet.yaml", "gpunode.io/not-ready=true:NoSchedule"),
    };
    if guarded {
        return;
    }
    // The parts of the guard itself, and of the lock, are what is written first, and the halt is what goes last.
    let of_guard = |line: &String| {
        let path = line.split(':').next().unwrap_or_default();
        let places =
            ["etc/eks", "etc/systemd/system/nodeadm-run", "etc/systemd/system/kubelet", "run/gpunode"];
        places.iter().any(|folder| path.starts_with(folder)) || path == "run"
    };
    let since_fresh: Vec<_> =
        undisturbed.fresh.differences(&tree).into_iter().filter(|line| !of_guard(line)).collect();
    let is_report = |line: &String| line.contains("/.report.json.gpunode-new");
    let until_done: Vec<_> =
        undisturbed.done.differences(&tree).into_iter().filter(|line| !is_report(line)).collect();
    assert!(
        since_fresh.is_empty() || until_done.is_empty(),
        "{place}: free to join, after {since_fresh:#?}, before {until_done:#?}"
    );
}

fn run_until(case: Case, dir: &Path, strike: Option<Strike>) -> Traced {
    let mut command = agent::command();
    command.args(["demo", "--dir", text(dir)]).args(case.words());
    trace::run(&mut command, strike, |change| counts(dir, change))
}

/// Changes below the machine's folder. What the kernel of a real machine does at once, by one call or one program of
/// its own (procfs, sysfs and devices), is played by several writes and is not cut in the middle.
fn counts(dir: &Path, change: &Change) -> bool {
    let Ok(path) = change.path.strip_prefix(dir) else {
        return false;
    };
    !["proc", "sys", "dev"].iter().any(|folder| path.starts_with(folder))
}

/// Whether the journal's last run has a beginning and no end.
fn has_open_end(dir: &Path) -> bool {
    let path: PathBuf = dir.join("var/lib/gpunode/journal.jsonl");
    let text = fs::read_to_string(path).unwrap_or_default();
    let events = text.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        line["event"].as_str().unwrap_or_default().to_owned()
    });
    let mut open = false;
    for event in events {
        match event.as_str() {
            "begin" => open = true,
            "end" => open = false,
            _ => {}
        }
    }
    open
}
