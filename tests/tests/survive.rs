//! A run that is killed anywhere is made good by the next one: SIGKILL right before each change to the machine's
//! files, then a second run, whose machine must be the one that an undisturbed run leaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gpunode_tests::agent::{self, demo, fresh_machine, text};
use gpunode_tests::binary;
use gpunode_tests::trace::{self, Change, Strike, Traced};
use gpunode_tests::tree::Tree;
use nix::sys::signal::Signal;

/// Cuts up to here are all made, and then every [`STRIDE`]th; all where `GPUNODE_THOROUGH` is set.
const DENSE: usize = 25;
const STRIDE: usize = 5;

#[test]
fn killed_anywhere_with_eight_disks() {
    sweep("p5.48xlarge");
}

#[test]
fn killed_anywhere_with_one_disk() {
    sweep("p5.4xlarge");
}

#[test]
fn killed_anywhere_without_disks() {
    sweep("g5g.xlarge");
}

/// What a run on a fresh machine changes, and the machine it leaves.
struct Undisturbed {
    changes: Vec<Change>,
    tree: Tree,
}

fn sweep(kind: &str) {
    let undisturbed = undisturbed(kind);
    let all = undisturbed.changes.len();
    assert!(all > 2 * DENSE, "{all} changes");
    let step = if binary::thorough() { 1 } else { STRIDE };
    let cuts: Vec<_> = (1..=DENSE).chain((DENSE + 1..=all).step_by(step)).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                while let Some(at) = cuts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    cut(kind, *at, &undisturbed.tree);
                }
            });
        }
    });
}

fn undisturbed(kind: &str) -> Undisturbed {
    let dir = fresh_machine(kind);
    let Traced { changes, code } = run_until(kind, dir.path(), None);
    assert_eq!(code, Some(0));
    let kinds: BTreeSet<_> = changes.iter().map(|change| change.call).collect();
    for needed in ["fsync", "mkdir", "open", "rename", "write"] {
        assert!(kinds.contains(needed), "{kind}: no {needed} among {kinds:?}");
    }
    Undisturbed { changes, tree: Tree::read(dir.path()).without_ids() }
}

/// One machine: killed before change number `at`, run again, and once more.
fn cut(kind: &str, at: usize, expected: &Tree) {
    let dir = fresh_machine(kind);
    let traced = run_until(kind, dir.path(), Some(Strike { at, signal: Signal::SIGKILL }));
    let Some(change) = traced.changes.get(at - 1) else {
        // Threads run in another order each time; a few changes more or less, such as a folder that is there
        // already, are usual.
        assert_eq!(traced.code, Some(0), "{kind}, cut {at}");
        return;
    };
    let place = format!("{kind}, killed before change {at}, {change:?}");
    assert_eq!(traced.code, None, "{place}");
    let was_cut_off = has_open_end(dir.path());
    let second = demo(dir.path(), &["--instance-type", kind]);
    assert_eq!(second.code, 0, "{place}: {second:?}");
    let report = second.report();
    assert_eq!(report.verdict(), "ok", "{place}: {second:?}");
    assert_eq!(report.has("RunNotFinished"), was_cut_off, "{place}: {second:?}");
    let tree = Tree::read(dir.path());
    let differs = expected.differences(&tree.clone().without_ids());
    assert!(differs.is_empty(), "{place}: {differs:#?}");
    let third = demo(dir.path(), &["--instance-type", kind]);
    assert_eq!(third.code, 0, "{place}: {third:?}");
    assert!(!third.report().has("RunNotFinished"), "{place}: {third:?}");
    let changed = tree.differences(&Tree::read(dir.path()));
    assert!(changed.is_empty(), "{place}: {changed:#?}");
}

fn run_until(kind: &str, dir: &Path, strike: Option<Strike>) -> Traced {
    let mut command = agent::command();
    command.args(["demo", "--instance-type", kind, "--dir", text(dir)]);
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
