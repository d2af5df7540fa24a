//! `demo --break STEP`: each step finds the damage that is done to what it looks at, says so with the right code, and
//! keeps no other step from its work. One file of `tests/cases/break/` for each step.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;
use std::path::PathBuf;

use gpunode_tests::agent::{demo, folder, run};
use gpunode_tests::binary;
use gpunode_tests::report::Report;
use serde_json::Value;

fn cases() -> PathBuf {
    binary::bed().join("cases/break")
}

fn case(step: &str) -> Value {
    let path = cases().join(format!("{step}.json"));
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn names() -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(cases())
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            path.file_stem().unwrap().to_str().unwrap().to_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn every_step_that_runs_has_a_case() {
    let whole = demo(folder().path(), &[]).report();
    let mut steps: Vec<_> = whole.outcomes().into_iter().map(|(step, _)| step).collect();
    steps.sort_unstable();
    assert_eq!(names(), steps);
}

#[test]
fn each_damage_is_found_by_its_step_and_by_no_other_that_does_not_see_it() {
    let whole = demo(folder().path(), &[]).report();
    for step in names() {
        let case = case(&step);
        let dir = folder();
        let run = demo(dir.path(), &["--break", &step]);
        assert_eq!(i64::from(run.code), case["exit"], "{step}: {run:?}");
        let report = run.report();
        assert_eq!(report.outcome(&step), case["outcome"], "{step}: {run:?}");
        let verdict = if run.code == 0 { "ok" } else { "degraded" };
        assert_eq!(report.verdict(), verdict, "{step}: {run:?}");
        findings_are_those_of(&case, &step, &report);
        others_went_on(&step, &whole, &report);
    }
}

/// A run that found an error tells what `onFailure` says, and one that found none does not.
#[test]
fn the_report_names_what_follows_from_a_failure() {
    for (step, told) in [("efa", Value::from("taint")), ("ofi-nccl", Value::Null)] {
        let report = demo(folder().path(), &["--break", step]).report();
        assert_eq!(report.0["onFailure"], told, "{step}");
    }
}

/// What is damaged once stays so for the next run, which says the same; nothing gets worse.
#[test]
fn a_second_run_on_a_damaged_machine_says_the_same() {
    for step in ["data-volumes", "efa", "limits", "sysctl"] {
        let dir = folder();
        let first = demo(dir.path(), &["--break", step]).report();
        let second = demo(dir.path(), &[]).report();
        let say = |report: &Report| {
            let findings = report.findings();
            let texts =
                findings.iter().map(|found| format!("{} {} {}", found.step, found.code, found.message));
            texts.collect::<Vec<_>>()
        };
        assert_eq!(say(&first), say(&second), "{step}");
    }
}

/// A machine that was whole can be damaged later: `--break` on a folder that a run has prepared.
#[test]
fn a_prepared_machine_can_be_damaged_too() {
    for step in names() {
        let dir = folder();
        assert_eq!(demo(dir.path(), &[]).code, 0);
        let run = demo(dir.path(), &["--break", &step]);
        assert_ne!(run.code, 3, "{step}: {run:?}");
        run.report();
    }
}

#[test]
fn damage_to_what_a_type_does_not_have_is_refused() {
    for (kind, step) in [("g5g.xlarge", "data-volumes"), ("g4dn.xlarge", "efa")] {
        let dir = folder();
        let run = demo(dir.path(), &["--instance-type", kind, "--break", step]);
        assert_eq!(run.code, 3, "{run:?}");
        assert!(run.stderr.contains("no "), "{run:?}");
    }
}

#[test]
fn an_unknown_step_is_refused_with_the_known_ones() {
    let run = run(&["demo", "--break", "efs"]);
    assert_eq!(run.code, 2);
    for step in names() {
        assert!(run.stderr.contains(&step), "{step} is missing in {}", run.stderr);
    }
}

fn findings_are_those_of(case: &Value, step: &str, report: &Report) {
    let wanted = case["findings"].as_array().expect("findings");
    let found = report.findings();
    assert_eq!(found.len(), wanted.len(), "{step}: {found:#?}");
    for (found, wanted) in found.iter().zip(wanted) {
        // The look of `health` sees what a step sees, too, where it looks at it.
        assert_eq!(found.step, wanted["step"].as_str().unwrap_or(step), "{step}");
        assert_eq!(found.code, wanted["code"], "{step}");
        assert_eq!(found.severity, wanted["severity"], "{step}");
        assert_eq!(found.subject, wanted["subject"], "{step}");
        let says = wanted["says"].as_str().expect("says");
        assert!(found.message.contains(says), "{step}: {}", found.message);
    }
}

/// Every other step ends as on a machine that is whole.
fn others_went_on(broken: &str, whole: &Report, report: &Report) {
    for (step, outcome) in whole.outcomes() {
        if step != broken {
            assert_eq!(report.outcome(step), outcome, "{step}, with {broken} damaged");
        }
    }
}
