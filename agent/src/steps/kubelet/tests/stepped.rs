use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use gpunode_host::{Finding, Root, reason};

use super::super::Kubelet;
use super::super::plan::HALT;
use crate::context::Context;
use crate::os::Os;
use crate::runner::StepResult;
use crate::settings::{Inputs, LocalSettings};
use crate::step::{Step, StepId};
use crate::steps::answers::Answers;

const DROP_IN: &str = "/etc/eks/nodeadm.d/90-gpunode-kubelet.yaml";

struct Bench {
    _dir: tempfile::TempDir,
    os: Os,
    answers: Arc<Answers>,
}

/// A machine with nodeadm and a running systemd that says this of its units.
fn bench(need_daemon_reload: &str) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::new(dir.path());
    for path in ["/run/systemd/system", "/usr/bin"] {
        std::fs::create_dir_all(root.at(path)).unwrap();
    }
    std::fs::write(root.at("/usr/bin/nodeadm"), "").unwrap();
    let table =
        BTreeMap::from([("systemctl show --property=NeedDaemonReload", need_daemon_reload.to_owned())]);
    let answers = Arc::new(Answers { table, run: Mutex::default(), fails: None });
    Bench { _dir: dir, os: Os::new(root, answers.clone()), answers }
}

/// A run in which these steps failed.
fn run(on_failure: &str, failed: &[StepId]) -> Context {
    let inputs = Inputs { flags: vec![format!("onFailure={on_failure}")], ..Inputs::default() };
    let cx = Context::new(LocalSettings::load(inputs).unwrap(), false);
    for step in failed {
        cx.note_end(StepResult::failed(*step, Finding::new(&reason::COMMAND_FAILED, "x", "31 of 32")));
    }
    cx
}

#[test]
fn a_halt_comes_and_goes_with_its_cause() {
    let Bench { os, answers, .. } = &bench("no\nno\n");
    let broken = run("halt", &[StepId::Efa]);
    let changes = Kubelet.check(&broken, os).unwrap().changes;
    assert!(changes.contains(&format!("write {HALT}")), "{changes:?}");
    assert!(!os.root().exists(HALT), "a look changes nothing");
    Kubelet.apply(&broken, os).unwrap();
    assert_eq!(os.root().read_text(HALT).unwrap().unwrap(), "efa: CommandFailed: 31 of 32\n");
    assert!(Kubelet.check(&broken, os).unwrap().changes.is_empty());
    assert!(answers.run.lock().unwrap().contains(&"systemctl daemon-reload".to_owned()));

    let healthy = run("halt", &[]);
    assert_eq!(Kubelet.check(&healthy, os).unwrap().changes, [format!("remove {HALT}")]);
    Kubelet.apply(&healthy, os).unwrap();
    assert!(!os.root().exists(HALT));
    assert!(Kubelet.check(&healthy, os).unwrap().changes.is_empty());
}

#[test]
fn the_not_ready_taint_comes_and_goes_with_its_cause() {
    let Bench { os, .. } = &bench("no\nno\n");
    let tainted =
        || os.root().read_text(DROP_IN).unwrap().is_some_and(|text| text.contains("gpunode.io/not-ready"));
    let broken = run("taint", &[StepId::DataVolumes]);
    Kubelet.apply(&broken, os).unwrap();
    assert!(tainted());
    assert!(Kubelet.check(&broken, os).unwrap().changes.is_empty());
    Kubelet.apply(&run("taint", &[]), os).unwrap();
    assert!(!tainted());
}

#[test]
fn a_trouble_of_its_own_does_not_change_what_it_asks_for() {
    let Bench { os, .. } = &bench("no\nno\n");
    Kubelet.apply(&run("taint", &[]), os).unwrap();
    assert!(Kubelet.check(&run("taint", &[StepId::Kubelet]), os).unwrap().changes.is_empty());
}

#[test]
fn what_systemd_has_not_read_is_still_to_do() {
    let Bench { os, .. } = &bench("no\nyes\n");
    let cx = run("taint", &[]);
    Kubelet.apply(&cx, os).unwrap();
    assert_eq!(Kubelet.check(&cx, os).unwrap().changes, ["let systemd read its units again"]);
}
