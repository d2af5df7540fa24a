//! What the commands leave behind: output that is whole or an error, and nothing where nothing is to be changed.
#![allow(clippy::unwrap_used, reason = "what helps a test is a test")]

use std::fs::File;
use std::process::Stdio;

use gpunode_tests::agent::{command, finish, folder, fresh_machine, run, text};
use gpunode_tests::tree::Tree;

#[test]
fn a_text_that_cannot_be_written_is_an_error_and_a_reader_that_has_gone_is_none() {
    let machine = fresh_machine("g6.xlarge");
    let root = text(machine.path());
    for words in [
        &["check", "--root", root][..],
        &["check", "--json", "--root", root],
        &["inventory", "-o", "csv", "--root", root],
        &["config", "show", "--root", root],
        &["config", "check", "--root", root],
        &["unit"],
        &["reference", "rules"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = command().args(words).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{words:?}: {said}");
        assert!(
            said.contains("cannot write to standard output: No space left on device"),
            "{words:?}: {said}"
        );
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let gone = command().args(words).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let whole = run(words);
        assert_eq!(gone.status.code(), Some(whole.code), "{words:?}: {gone:?}");
        assert!(gone.stderr.is_empty() && !whole.stdout.is_empty(), "{words:?}: {gone:?}");
    }
}

#[test]
fn a_plan_makes_no_file_where_no_run_has_been() {
    let dir = folder();
    let plan = |words: &[&str], root: &str| {
        finish(command().args(words).args([
            "--plan",
            "--root",
            root,
            "--set",
            "imds.endpoint=http://127.0.0.1:9",
        ]))
    };
    let empty = Tree::with_records(dir.path());
    for words in [&["bootstrap"][..], &["install", "--instance-type", "g6.xlarge"]] {
        plan(words, text(dir.path()));
        let changed = empty.differences(&Tree::with_records(dir.path()));
        assert!(changed.is_empty(), "{words:?}: {changed:#?}");
        let nowhere = dir.path().join("nowhere");
        let refused = plan(words, text(&nowhere));
        assert_eq!((refused.code, nowhere.exists()), (2, false), "{refused:?}");
        assert!(refused.stderr.contains("no such folder"), "{refused:?}");
    }
}

#[test]
fn a_machine_that_is_there_is_of_its_own_type() {
    let machine = fresh_machine("g6.xlarge");
    let words = ["demo", "--instance-type", "p5.48xlarge", "--dir", text(machine.path())];
    let run = run(&words);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("the machine in that folder is a g6.xlarge"), "{run:?}");
}
