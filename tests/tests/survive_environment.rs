//! A machine in trouble: a file system that is read-only or full. The run says which file, leaves none half written,
//! goes on with everything else, and the next run makes good what was missed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::thread;

use gpunode_tests::agent::{Run, bootstrap, demo, finish, folder, fresh_machine, program, text};
use gpunode_tests::mounts;
use gpunode_tests::tree::Tree;
use serde_json::Value;

const KIND: &str = "p5.4xlarge";

/// Runs `work` on a fresh machine where its mounts are seen by nobody else. They are gone afterwards, before the machine
/// is: a folder with a mount on it cannot be removed.
fn with_own_mounts(work: impl FnOnce(&Path) + Send) {
    let dir = fresh_machine(KIND);
    thread::scope(|scope| {
        scope.spawn(|| {
            mounts::private();
            work(dir.path());
        });
    });
}

fn go(dir: &Path) -> Run {
    demo(dir, &["--instance-type", KIND])
}

#[test]
fn on_a_read_only_root_every_file_is_named_and_the_report_is_in_run() {
    with_own_mounts(|dir| {
        mounts::read_only(dir);
        mounts::memory(&dir.join("run"), "size=1m,mode=755");
        let before = Tree::read(dir).without(&["run"]);
        let short = ["--set", "imds.deadlineSeconds=1"];
        let run = finish(&mut bootstrap(dir, "http://127.0.0.1:9", &short));
        assert_eq!(run.code, 1, "{run:?}");
        let report = run.report();
        for step in ["sysctl", "limits", "data-volumes", "nccl-env", "kubelet"] {
            assert_eq!(report.outcome(step), "failed", "{step}: {run:?}");
            let finding = report.findings().into_iter().find(|finding| finding.step == step).unwrap();
            assert_eq!(finding.code, "FileNotWritten", "{finding:?}");
            assert!(finding.message.contains("Read-only file system"), "{finding:?}");
            assert!(finding.message.contains(finding.subject), "{finding:?}");
        }
        let journal =
            report.findings().into_iter().find(|finding| finding.subject.ends_with("journal.jsonl"));
        assert_eq!(journal.unwrap().code, "FileNotWritten", "{run:?}");
        let report_lost = report.finding("ReportNotSaved");
        assert_eq!(report_lost.subject, "/var/lib/gpunode/report.json", "{run:?}");
        let kept: Value =
            serde_json::from_slice(&fs::read(dir.join("run/gpunode/report.json")).unwrap()).unwrap();
        assert_eq!(kept, report.0);
        let changed = before.differences(&Tree::read(dir).without(&["run"]));
        assert!(changed.is_empty(), "{changed:#?}");
    });
}

#[test]
fn where_even_run_is_read_only_nothing_begins() {
    with_own_mounts(|dir| {
        mounts::read_only(dir);
        fs::remove_file(dir.join("run/gpunode/lock")).unwrap_err();
        let run = finish(&mut bootstrap(dir, "http://127.0.0.1:9", &[]));
        assert_eq!(run.code, 3, "{run:?}");
        assert!(run.stderr.contains("/run/gpunode/lock") && run.stderr.contains("Read-only"), "{run:?}");
    });
}

/// A disk that fills up at any point of the run: `/etc` and `/var/lib/gpunode` each on a small file system, with from
/// none to plenty of pages free.
#[test]
fn on_a_full_disk_no_file_is_half_written_and_the_next_run_converges() {
    let whole = fresh_machine(KIND);
    let fresh = Tree::read(whole.path()).without_ids();
    assert_eq!(go(whole.path()).code, 0);
    let done = Tree::read(whole.path()).without_ids();
    for place in ["etc", "var/lib/gpunode"] {
        let mut codes = Vec::new();
        for pages in (0..40).step_by(3) {
            with_own_mounts(|dir| {
                let filler = small(&dir.join(place), pages);
                let first = go(dir);
                codes.push(first.code);
                let name = format!("{place}, {pages} pages free: {first:?}");
                says_what_is_full(place, &first);
                let tree = Tree::read(dir).without_ids().without(&[&format!("{place}/filler")]);
                each_file_is_old_or_new(place, &name, &tree, &fresh, &done);
                fs::remove_file(filler).unwrap();
                let second = go(dir);
                assert_eq!(second.code, 0, "{name}, then {second:?}");
                let differs = done.differences(&Tree::read(dir).without_ids());
                assert!(differs.is_empty(), "{name}: {differs:#?}");
            });
        }
        assert_eq!((codes.first(), codes.last()), (Some(&1), Some(&0)), "{place}: {codes:?}");
    }
}

/// Puts a folder on a file system of its own with its content, and so many pages free; what fills it up.
fn small(folder_on_it: &Path, pages: usize) -> std::path::PathBuf {
    let copy = folder();
    fs::create_dir_all(folder_on_it).unwrap();
    let cp = |from: &Path, to: &Path| {
        let words = ["-a", &format!("{}/.", text(from)), text(to)];
        assert_eq!(finish(program("cp").args(words)).code, 0);
    };
    cp(folder_on_it, copy.path());
    mounts::memory(folder_on_it, "size=1m,mode=755");
    cp(copy.path(), folder_on_it);
    let filler = folder_on_it.join("filler");
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[b'x'; 4096]).is_ok() {}
    let full = file.metadata().unwrap().len();
    file.set_len(full / 4096 * 4096 - 4096 * pages as u64).unwrap();
    filler
}

fn says_what_is_full(place: &str, run: &Run) {
    let report = run.report();
    if run.code == 0 {
        assert_eq!(report.verdict(), "ok", "{run:?}");
        return;
    }
    assert_eq!(run.code, 1, "{run:?}");
    let full: Vec<_> = report.findings().into_iter().filter(|found| found.severity == "error").collect();
    assert!(!full.is_empty(), "{run:?}");
    for finding in full {
        assert!(finding.message.contains("No space left on device"), "{finding:?}");
        assert!(finding.message.contains(&format!("/{place}")), "{finding:?}");
    }
}

/// What a run begins with, and its end takes away: the taint. It is whole when its last line is.
fn is_guard(path: &str, content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content);
    path == "etc/eks/nodeadm.d/90-gpunode-kubelet.yaml"
        && text.starts_with("# Written by gpunode-agent")
        && text.ends_with("gpunode.io/not-ready=true:NoSchedule\"\n")
}

/// Every file is as it was, as it should be, or not there yet, and nothing else is there.
fn each_file_is_old_or_new(place: &str, name: &str, tree: &Tree, fresh: &Tree, done: &Tree) {
    for (path, entry) in tree.0.iter().filter(|(path, _)| path.starts_with(place)) {
        // The record of the data volume passes through states that neither end shows.
        let passes = path.ends_with("data-volume.json");
        let known = [fresh.0.get(path), done.0.get(path)];
        if is_guard(path, &entry.content) {
            continue;
        }
        assert!(known.iter().any(Option::is_some), "{path} is new: {name}");
        assert!(passes || known.contains(&Some(entry)), "{path} is half written: {name}");
        if passes {
            serde_json::from_slice::<Value>(&entry.content).unwrap_or_else(|error| panic!("{path}: {error}"));
        }
    }
}
