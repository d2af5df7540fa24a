//! `gpunode-agent demo`: every instance type boots, a second run changes nothing, a plan changes nothing at all, and
//! nothing outside its folder is touched.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use gpunode_host::catalog;
use gpunode_tests::agent::{self, demo, finish, folder, fresh_machine, program, run, text};
use gpunode_tests::binary;
use gpunode_tests::chain::Chain;
use gpunode_tests::trace::{self, Strike};
use gpunode_tests::tree::Tree;
use nix::sys::signal::Signal;

/// Outcomes of a step on a machine that was whole before and is prepared already.
const AT_REST: [&str; 2] = ["unchanged", "not-applicable"];

#[test]
fn every_instance_type_boots_and_a_second_run_changes_nothing() {
    for kind in catalog::names() {
        let dir = folder();
        let first = demo(dir.path(), &["--instance-type", kind]);
        assert_eq!(first.code, 0, "{kind}: {first:?}");
        assert_eq!(first.report().verdict(), "ok", "{kind}: {first:?}");
        let tree = Tree::read(dir.path());
        let second = demo(dir.path(), &["--instance-type", kind]);
        assert_eq!(second.code, 0, "{kind}: {second:?}");
        for (step, outcome) in second.report().outcomes() {
            assert!(AT_REST.contains(&outcome), "{kind}: {step} {outcome}: {second:?}");
        }
        let changed = tree.differences(&Tree::read(dir.path()));
        assert!(changed.is_empty(), "{kind}: {changed:#?}");
    }
}

#[test]
fn a_second_run_says_that_nothing_was_changed() {
    let dir = folder();
    let words = ["demo", "--dir", text(dir.path())];
    assert!(!run(&words).stdout.contains("nothing was changed"));
    let second = run(&words);
    assert!(second.stdout.contains("nothing was changed"), "{second:?}");
}

#[test]
fn a_plan_changes_nothing_at_all() {
    for kind in ["p5.48xlarge", "g4dn.metal", "g5g.xlarge", "p6e-gb200.36xlarge"] {
        let dir = fresh_machine(kind);
        let lock = dir.path().join("run/gpunode/lock");
        let without_lock = || {
            let mut tree = Tree::with_records(dir.path());
            tree.0.remove("run/gpunode/lock").expect("the lock file");
            tree
        };
        assert!(lock.exists());
        let before = without_lock();
        let plan = demo(dir.path(), &["--instance-type", kind, "--plan"]);
        assert_eq!((plan.code, plan.report().verdict()), (0, "planned"), "{plan:?}");
        let changed = before.differences(&without_lock());
        assert!(changed.is_empty(), "{kind}: {changed:#?}");
    }
}

#[test]
fn what_was_planned_is_what_is_done() {
    let dir = fresh_machine("p5.48xlarge");
    let changes = |run: agent::Run| {
        let steps = run.report().0["steps"].as_array().expect("steps").clone();
        let pairs = steps.iter().map(|step| (step["step"].clone(), step["changes"].clone()));
        pairs.collect::<Vec<_>>()
    };
    let planned = changes(demo(dir.path(), &["--plan"]));
    assert_eq!(planned, changes(demo(dir.path(), &[])));
    assert!(planned.iter().any(|(_, list)| !list.as_array().unwrap().is_empty()));
}

#[test]
fn every_line_of_json_parses_and_the_last_is_the_report() {
    let dir = folder();
    let run = demo(dir.path(), &[]);
    for line in run.stdout.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["event"].is_string(), "{line}");
    }
    for place in ["run/gpunode/report.json", "var/lib/gpunode/report.json"] {
        let kept = fs::read(dir.path().join(place)).unwrap();
        let kept: serde_json::Value = serde_json::from_slice(&kept).unwrap();
        assert_eq!(kept, run.report().0, "{place}");
    }
}

#[test]
fn a_report_tells_what_its_commands_took() {
    let dir = folder();
    let report = demo(dir.path(), &[]).report().0;
    let chain = Chain::of(&report).expect("times of steps and commands");
    let names: Vec<_> = chain.steps.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names[0], names.last().copied()), ("facts", Some("verify")), "{chain:?}");
    assert!(0 < chain.chain && chain.chain < chain.wall + 1000, "{chain:?}");
    let volumes = report["steps"].as_array().unwrap().iter().find(|step| step["step"] == "data-volumes");
    let commands = volumes.unwrap()["commands"].as_array().unwrap();
    assert!(commands.iter().any(|ran| ran["command"].as_str().unwrap().starts_with("mkfs.xfs")));
}

#[test]
fn an_unknown_type_is_refused_with_the_one_that_was_meant_or_the_known_ones() {
    let dir = folder();
    let run = demo(dir.path(), &["--instance-type", "p5.49xlarge"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.trim_end().ends_with("not in the catalogue; did you mean p5.48xlarge?"), "{run:?}");
    let run = demo(dir.path(), &["--instance-type", "hal9000"]);
    assert_eq!(run.code, 2);
    for known in catalog::names() {
        assert!(run.stderr.contains(known), "{known} is missing in {}", run.stderr);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let dir = folder();
    fs::write(dir.path().join("letter"), "dear").unwrap();
    let run = demo(dir.path(), &[]);
    assert_eq!(run.code, 2, "{run:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn it_needs_no_root_and_nothing_but_its_folder() {
    let place = folder();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).unwrap();
    // The build's own folder may be closed to others.
    let copy = place.path().join("gpunode-agent");
    fs::copy(binary::agent(), &copy).unwrap();
    let dir = place.path().join("machine");
    let mut nobody = program("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]);
    nobody.args([text(&copy), "demo", "--json", "--dir", text(&dir)]);
    let run = finish(&mut nobody);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.report().verdict(), "ok");
}

#[test]
fn no_call_changes_anything_outside_its_folder() {
    let place = folder();
    let temporary = folder();
    for kept in [true, false] {
        let mut command = agent::command();
        command.arg("demo").env("TMPDIR", temporary.path());
        if kept {
            command.args(["--dir", text(&place.path().join("machine"))]);
        }
        let traced = trace::run(&mut command, None, |_| true);
        assert_eq!(traced.code, Some(0));
        let home = if kept { place.path() } else { temporary.path() };
        let inside = |path: &Path| path.starts_with(home) || path == Path::new("/dev/null");
        // The look at the devices is the agent itself, once more.
        let itself = |change: &trace::Change| change.call == "exec" && change.path == binary::agent();
        let outside: Vec<_> =
            traced.changes.iter().filter(|change| !inside(&change.path) && !itself(change)).collect();
        assert!(outside.is_empty(), "{outside:#?}");
        assert!(traced.changes.len() > 100, "{:?}", traced.changes);
    }
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn the_temporary_folder_is_gone_however_a_signal_ends_the_run() {
    let count = |temporary: &Path, strike| {
        let mut command = agent::command();
        command.args(["demo", "--instance-type", "p5.4xlarge"]).env("TMPDIR", temporary);
        // What is removed at the end does not count: the run is over then.
        let inside = |change: &trace::Change| change.path.starts_with(temporary) && change.call != "unlink";
        trace::run(&mut command, strike, inside)
    };
    let all = count(folder().path(), None).changes.len();
    // Once while the machine is built, some times while the steps run.
    for at in [2, all / 4, all / 2, all * 3 / 4, all - 2] {
        let temporary = folder();
        let signal = Signal::SIGTERM;
        let traced = count(temporary.path(), Some(Strike { at, signal }));
        let left = fs::read_dir(temporary.path()).unwrap().count();
        assert_eq!((traced.code, left), (Some(130), 0), "signal at change {at} of {all}");
    }
}
