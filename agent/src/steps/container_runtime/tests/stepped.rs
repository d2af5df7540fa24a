use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use gpunode_host::Root;

use super::super::ContainerRuntime;
use crate::context::Context;
use crate::os::{Exec, Os};
use crate::settings::{Inputs, LocalSettings};
use crate::step::Step;
use crate::steps::answers::Answers;

struct Bench {
    _dir: tempfile::TempDir,
    os: Os,
    answers: Arc<Answers>,
    cx: Context,
}

/// A machine with containerd 1.7 and the NVIDIA runtime; containerd has been running since `since`, the kubelet runs
/// or not.
fn bench(since: &str, kubelet_runs: bool, dump: &str) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::new(dir.path());
    std::fs::create_dir_all(root.at("/run/systemd/system")).unwrap();
    std::fs::create_dir_all(root.at("/usr/bin")).unwrap();
    std::fs::write(root.at("/usr/bin/nvidia-container-runtime"), "").unwrap();
    let unit = |active: bool| {
        let state = if active { "active" } else { "inactive" };
        format!("ActiveState={state}\nExecMainStartTimestamp={since}\n")
    };
    let show = "systemctl show --timestamp=unix --property=ActiveState --property=ExecMainStartTimestamp";
    let show_containerd: &'static str = format!("{show} containerd.service").leak();
    let show_kubelet: &'static str = format!("{show} kubelet.service").leak();
    let table = BTreeMap::from([
        ("containerd --version", "containerd containerd.io 1.7.27 05044ec\n".to_owned()),
        ("containerd -c", dump.to_owned()),
        (show_containerd, unit(true)),
        (show_kubelet, unit(kubelet_runs)),
    ]);
    let answers = Arc::new(Answers { table, run: Mutex::default(), fails: None });
    let os = Os::new(root, Arc::clone(&answers) as Arc<dyn Exec>);
    let local = LocalSettings::load(Inputs::default()).unwrap();
    Bench { _dir: dir, os, answers, cx: Context::new(local, false) }
}

impl Bench {
    fn restarts(&self) -> usize {
        self.answers.run.lock().unwrap().iter().filter(|line| line.starts_with("systemctl restart")).count()
    }

    fn config(&self) -> String {
        self.os.root().read_text("/etc/containerd/config.toml").unwrap().unwrap()
    }
}

/// What `containerd config dump` says after the step was done: the file as it is.
fn dump_after(bench: &Bench) -> String {
    ContainerRuntime.apply(&bench.cx, &bench.os).unwrap();
    bench.config()
}

#[test]
fn containerd_is_restarted_once_where_nobody_is_disturbed() {
    let dump = dump_after(&bench("@0", false, ""));
    // It started in the year 2100, after every change that this test makes.
    let fresh = bench("@4102444800", false, &dump);
    ContainerRuntime.apply(&fresh.cx, &fresh.os).unwrap();
    assert_eq!(fresh.restarts(), 1);
    let check = ContainerRuntime.check(&fresh.cx, &fresh.os).unwrap();
    assert_eq!((check.changes, check.findings), (vec![], vec![]));
    ContainerRuntime.apply(&fresh.cx, &fresh.os).unwrap();
    assert_eq!(fresh.restarts(), 1);
}

#[test]
fn a_restart_that_a_killed_run_owed_is_made_up_for() {
    let dump = dump_after(&bench("@0", false, ""));
    let owed = bench("@0", false, &dump);
    ContainerRuntime.apply(&owed.cx, &owed.os).unwrap();
    // It started in 1970, long before the files were written.
    assert_eq!(ContainerRuntime.check(&owed.cx, &owed.os).unwrap().changes, ["restart containerd"]);
}

#[test]
fn under_a_running_kubelet_the_restart_is_left_to_people() {
    let dump = dump_after(&bench("@0", true, ""));
    let busy = bench("@0", true, &dump);
    ContainerRuntime.apply(&busy.cx, &busy.os).unwrap();
    assert_eq!(busy.restarts(), 0);
    let check = ContainerRuntime.check(&busy.cx, &busy.os).unwrap();
    assert!(check.changes.is_empty());
    assert_eq!(check.findings.iter().map(|f| f.code).collect::<Vec<_>>(), ["ContainerdRestartNeeded"]);
}

#[test]
fn an_import_that_takes_our_keys_back_is_found_in_the_dump() {
    let bench = bench("@4102444800", false, "version = 2\n");
    ContainerRuntime.apply(&bench.cx, &bench.os).unwrap();
    let check = ContainerRuntime.check(&bench.cx, &bench.os).unwrap();
    assert_eq!(check.findings[0].code, "ContainerdConfigShadowed");
    assert!(check.findings[0].message.contains("runtimes.nvidia.runtime_type is not set"));
}

#[test]
fn containerd_is_not_told_of_a_snapshotter_that_cannot_be_started() {
    let inputs = Inputs { flags: vec!["containerRuntime.soci=general".into()], ..Inputs::default() };
    let mut bench = bench("@0", false, "");
    bench.cx = Context::new(LocalSettings::load(inputs).unwrap(), false);
    let mut table = bench.answers.table.clone();
    table.insert("soci-snapshotter-grpc", String::new());
    let answers = Answers { table, run: Mutex::default(), fails: Some("systemctl enable") };
    let os = Os::new(bench.os.root().clone(), Arc::new(answers));
    let unit = os.root().at("/etc/systemd/system/soci-snapshotter.service");
    std::fs::create_dir_all(unit.parent().unwrap()).unwrap();
    std::fs::write(unit, "[Service]\n").unwrap();
    assert_eq!(ContainerRuntime.apply(&bench.cx, &os).unwrap_err().0.code, "CommandFailed");
    assert!(!os.root().exists("/etc/containerd/config.toml"));
}

#[test]
fn a_broken_file_is_a_failure_that_names_it_and_is_left_alone() {
    let bench = bench("@0", false, "");
    std::fs::create_dir_all(bench.os.root().at("/etc/containerd")).unwrap();
    std::fs::write(bench.os.root().at("/etc/containerd/config.toml"), "version = 2\n[plugins\n").unwrap();
    let failure = ContainerRuntime.apply(&bench.cx, &bench.os).unwrap_err();
    assert_eq!(
        (failure.0.code, failure.0.subject.as_str()),
        ("ContainerdConfigInvalid", "/etc/containerd/config.toml")
    );
    assert!(failure.0.message.contains("line 2"), "{}", failure.0.message);
    assert_eq!(bench.config(), "version = 2\n[plugins\n");
}
