//! `onFailure`: what a node whose boot failed does about joining, and that it is taken back once the cause is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::fs;
use std::path::Path;

use gpunode_tests::agent::{Run, bootstrap, demo, finish, folder, fresh_machine, wait_until};
use nix::sys::signal::Signal;

#[path = "../../agent/imds/tests/fake/mod.rs"]
mod fake;
use fake::{Act, Fake};

const DROP_IN: &str = "etc/eks/nodeadm.d/90-gpunode-kubelet.yaml";
const HALT: &str = "run/gpunode/halt";
const NOT_READY: &str = "gpunode.io/not-ready=true:NoSchedule";

/// What keeps nodeadm from starting the kubelet.
const CONDITION: &str = "ConditionPathExists=!/run/gpunode/halt";

fn failed(dir: &Path, what: &str) -> Run {
    demo(dir, &["--break", "efa", "--set", &format!("onFailure={what}")])
}

fn is_tainted(dir: &Path) -> bool {
    fs::read_to_string(dir.join(DROP_IN)).unwrap().contains(NOT_READY)
}

fn is_halted(dir: &Path) -> bool {
    for unit in ["nodeadm-run", "kubelet"] {
        let path = dir.join(format!("etc/systemd/system/{unit}.service.d/10-gpunode.conf"));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(CONDITION), "{}: {text}", path.display());
    }
    dir.join(HALT).exists()
}

#[test]
fn each_choice_does_what_it_says() {
    for (what, code, tainted, halted) in
        [("taint", 1, true, false), ("halt", 4, false, true), ("join", 1, false, false)]
    {
        let dir = folder();
        let run = failed(dir.path(), what);
        assert_eq!(run.code, code, "{what}: {run:?}");
        assert_eq!(run.report().0["onFailure"], what);
        assert_eq!(run.report().outcome("kubelet"), "changed", "{what}: {run:?}");
        assert_eq!((is_tainted(dir.path()), is_halted(dir.path())), (tainted, halted), "{what}");
    }
}

#[test]
fn a_healthy_node_joins_whatever_the_choice() {
    for what in ["taint", "halt", "join"] {
        let dir = folder();
        let run = demo(dir.path(), &["--set", &format!("onFailure={what}")]);
        assert_eq!(run.code, 0, "{what}: {run:?}");
        assert_eq!((is_tainted(dir.path()), is_halted(dir.path())), (false, false), "{what}");
    }
}

#[test]
fn what_keeps_the_node_out_names_the_cause() {
    let dir = folder();
    failed(dir.path(), "halt");
    let text = fs::read_to_string(dir.path().join(HALT)).unwrap();
    assert!(text.contains("efa: EfaMissing: 31 of 32"), "{text}");
}

#[test]
fn it_is_taken_back_when_the_cause_is_gone() {
    for (what, code) in [("taint", 1), ("halt", 4)] {
        let dir = folder();
        let choice = format!("onFailure={what}");
        assert_eq!(demo(dir.path(), &["--break", "limits", "--set", &choice]).code, code);
        fs::remove_file(dir.path().join("etc/security/limits.d")).unwrap();
        let run = demo(dir.path(), &["--set", &choice]);
        assert_eq!(run.code, 0, "{what}: {run:?}");
        assert_eq!((is_tainted(dir.path()), is_halted(dir.path())), (false, false), "{what}");
    }
}

#[test]
fn from_one_choice_to_the_other_nothing_of_the_first_is_left() {
    let dir = folder();
    for (what, tainted, halted) in
        [("halt", false, true), ("taint", true, false), ("join", false, false), ("halt", false, true)]
    {
        failed(dir.path(), what);
        assert_eq!((is_tainted(dir.path()), is_halted(dir.path())), (tainted, halted), "{what}");
    }
}

/// A new boot is a new question: the guard stands again until this boot's run has answered it, and what an earlier boot
/// has found is no answer.
#[test]
fn every_boot_is_guarded_and_a_second_run_of_a_boot_is_not() {
    for (what, tainted, halted) in [("taint", true, false), ("halt", false, true)] {
        let dir = folder();
        let policy = format!("onFailure={what}");
        assert_eq!(demo(dir.path(), &["--set", &policy]).code, 0);
        let cut_off = || {
            let imds = Fake::start(|_| Act::Hang(Vec::new()));
            let settings = ["--set", "imds.deadlineSeconds=300", "--set", &policy];
            let endpoint = imds.settings().endpoint;
            let run = gpunode_tests::agent::Started::new(&mut bootstrap(dir.path(), &endpoint, &settings));
            wait_until("the agent asks", || !imds.seen().is_empty());
            run.signal(Signal::SIGKILL);
            assert_eq!(run.finish().code, -1);
            (is_tainted(dir.path()), is_halted(dir.path()))
        };
        assert_eq!(cut_off(), (false, false), "{what}: the node has joined in this boot");
        fs::write(dir.path().join("proc/sys/kernel/random/boot_id"), "another\n").unwrap();
        assert_eq!(cut_off(), (tainted, halted), "{what}");
        let run = demo(dir.path(), &["--set", &policy]);
        assert_eq!((run.code, run.report().outcome("kubelet")), (0, "changed"), "{what}: {run:?}");
        assert_eq!((is_tainted(dir.path()), is_halted(dir.path())), (false, false), "{what}");
    }
}

/// A signal in time leaves the same as a kill: the kubelet step never ran.
#[test]
fn a_run_that_is_told_to_end_does_not_let_the_node_in() {
    let dir = fresh_machine("p5.4xlarge");
    let imds = Fake::start(|_| Act::Hang(Vec::new()));
    let settings = ["--set", "imds.deadlineSeconds=300"];
    let run =
        gpunode_tests::agent::Started::new(&mut bootstrap(dir.path(), &imds.settings().endpoint, &settings));
    wait_until("the agent asks", || !imds.seen().is_empty());
    run.signal(Signal::SIGTERM);
    assert_eq!(run.finish().code, 130);
    assert!(is_tainted(dir.path()));
}

/// Where the step that should keep the node out fails itself, the exit code does not claim that it did.
#[test]
fn a_halt_that_could_not_be_made_is_not_claimed() {
    let dir = folder();
    let run = demo(dir.path(), &["--break", "kubelet", "--set", "onFailure=halt"]);
    assert_eq!(run.code, 1, "{run:?}");
}

/// User data that cannot be used is a failure like any other, although nothing else of the boot could run.
#[test]
fn a_node_with_wrong_user_data_joins_with_the_taint() {
    let dir = fresh_machine("p5.4xlarge");
    let copy = dir.path().join("var/lib/cloud/instance/user-data.txt");
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::write(&copy, "# gpunode\nskip = 1\n").unwrap();
    let short = ["--set", "imds.deadlineSeconds=1"];
    let run = finish(&mut bootstrap(dir.path(), "http://127.0.0.1:9", &short));
    let report = run.report();
    assert_eq!((run.code, report.outcome("facts"), report.outcome("efa")), (1, "failed", "not-run"));
    assert_eq!(report.outcome("kubelet"), "changed", "{run:?}");
    assert!(is_tainted(dir.path()));
}

/// A step that hangs is ended at its deadline, the others go on, and the node joins with the taint.
#[test]
fn a_step_that_hangs_is_ended_and_counts_as_failed() {
    let dir = fresh_machine("p5.4xlarge");
    let imds = Fake::start(|_| Act::Hang(Vec::new()));
    let settings = ["--set", "imds.deadlineSeconds=300", "--set", "deadlines.facts=1"];
    let run =
        gpunode_tests::agent::Started::new(&mut bootstrap(dir.path(), &imds.settings().endpoint, &settings));
    wait_until("the agent asks", || !imds.seen().is_empty());
    let run = run.finish();
    let report = run.report();
    assert_eq!((run.code, report.outcome("facts")), (1, "failed"), "{run:?}");
    assert_eq!(report.finding("StepDeadline").subject, "facts");
    assert!(is_tainted(dir.path()));
}
