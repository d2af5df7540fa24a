use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use gpunode_host::Root;

use super::*;
use crate::facts;
use crate::settings::tests::local;
use crate::step::Step as _;
use crate::steps::answers::Answers;

const DROP_IN: &str = "/etc/eks/nodeadm.d/90-gpunode-kubelet.yaml";
const HALT: &str = "/run/gpunode/halt";
const CONDITION: &str = "/etc/systemd/system/kubelet.service.d/10-gpunode.conf";

struct Machine {
    _dir: tempfile::TempDir,
    os: Os,
    answers: Arc<Answers>,
}

/// A machine with nodeadm and a running systemd, whose kubelet is in this state.
fn machine(kubelet: &str) -> Machine {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::new(dir.path());
    std::fs::create_dir_all(root.at("/run/systemd/system")).unwrap();
    let table = BTreeMap::from([("systemctl show --timestamp=unix", kubelet.to_owned())]);
    let answers = Arc::new(Answers { table, run: Mutex::default(), fails: None });
    let machine = Machine { _dir: dir, os: Os::new(root, answers.clone()), answers };
    machine.put("/usr/bin/nodeadm", "");
    machine
}

impl Machine {
    fn put(&self, path: &str, text: &str) {
        self.os.write(&crate::os::FileSpec::new(path, text)).unwrap();
    }

    fn text(&self, path: &str) -> Option<String> {
        self.os.root().read_text(path).unwrap()
    }

    fn is_tainted(&self) -> bool {
        self.text(DROP_IN).is_some_and(|text| text.contains("gpunode.io/not-ready=true:NoSchedule"))
    }

    fn context(&self, flags: &[&str]) -> Context {
        let local = local(flags);
        let early = facts::early(&local, self.os.root());
        Context::new(local, false).with_early(early)
    }

    /// A run with these settings begins, in the boot of this name.
    fn begin(&self, flags: &[&str], only: &[StepId], boot: &str) -> Guard {
        let cx = self.context(flags);
        let mut guard = Guard::new(&cx, &self.os, &Selection { only: only.to_vec() }, Some(boot));
        guard.put_up(&cx, &self.os);
        assert_eq!(guard.finding(), None);
        guard
    }

    fn reloads(&self) -> usize {
        self.answers.run.lock().unwrap().iter().filter(|line| *line == "systemctl daemon-reload").count()
    }
}

#[test]
fn a_run_begins_with_what_its_failure_would_leave() {
    let machine = machine("");
    assert!(machine.begin(&[], &[], "a").stands());
    assert!(machine.is_tainted());
    assert_eq!((machine.text(HALT), machine.reloads()), (None, 0), "nodeadm needs no word to systemd");

    assert!(machine.begin(&["onFailure=halt"], &[], "a").stands());
    assert!(machine.text(HALT).unwrap().contains("has not come to its end"));
    assert!(machine.text(CONDITION).unwrap().contains("ConditionPathExists=!/run/gpunode/halt"));
    assert_eq!(machine.reloads(), 1);
    machine.begin(&["onFailure=halt"], &[], "a");
    assert_eq!(machine.reloads(), 1, "it stood already");
}

#[test]
fn there_is_no_guard_where_the_run_does_not_decide_about_joining() {
    for (flags, only) in [
        (["onFailure=join"].as_slice(), [].as_slice()),
        (&["skip=kubelet"], &[]),
        (&["onFailure=halt"], &[StepId::Sysctl]),
    ] {
        let machine = machine("");
        assert!(!machine.begin(flags, only, "a").stands());
        assert_eq!((machine.text(HALT), machine.text(DROP_IN)), (None, None));
    }
}

#[test]
fn a_boot_is_guarded_until_a_run_has_let_the_node_in() {
    let report = |verdict: &str, kubelet: &str| {
        format!(
            r#"{{"boot":"a","verdict":"{verdict}","steps":[{{"step":"kubelet","outcome":"{kubelet}"}}]}}"#
        )
    };
    let stands = |report: String, boot: &str| {
        let machine = machine("");
        machine.put(boot_report::PATH, &report);
        machine.begin(&[], &[], boot).stands()
    };
    assert!(!stands(report("ok", "changed"), "a"));
    assert!(!stands(report("ok", "unchanged"), "a"));
    assert!(stands(report("ok", "changed"), "b"), "another boot");
    assert!(stands(report("ok", "skipped"), "a"), "a run of other steps");
    assert!(stands(report("degraded", "changed"), "a"));
    assert!(stands("{".to_owned(), "a"), "a report that was cut off");
}

#[test]
fn a_kubelet_that_has_joined_is_left_alone_and_one_that_waits_is_not() {
    let state = |state: &str, since: u64| format!("ActiveState={state}\nExecMainStartTimestamp=@{since}\n");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let stands = |kubelet: &str| machine(kubelet).begin(&["onFailure=halt"], &[], "a").stands();
    assert!(!stands(&state("active", now - 3600)));
    assert!(stands(&state("active", now - 2)));
    assert!(stands(&state("inactive", now - 3600)));
}

/// What cloud-init has kept is enough to know the policy, and the taints that the guard must not take away.
#[test]
fn the_users_data_counts_before_imds_is_asked() {
    let machine = machine("");
    let part = |kind: &str, text: &str| format!("--b\nContent-Type: {kind}\n\n{text}\n");
    let karpenter = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  kubelet:\n    flags:\n    - --register-with-taints=karpenter.sh/unregistered:NoExecute\n";
    let mime = |ours: &str| {
        format!(
            "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n{}{}--b--\n",
            part("application/vnd.gpunode.node+toml", ours),
            part("application/node.eks.aws", karpenter)
        )
    };
    machine.put("/var/lib/cloud/instance/user-data.txt", &mime("skip = 1"));
    machine.begin(&[], &[], "a");
    assert!(machine.is_tainted());
    assert!(machine.text(DROP_IN).unwrap().contains("karpenter.sh/unregistered=:NoExecute"));

    machine.put("/var/lib/cloud/instance/user-data.txt", &mime("onFailure = 'halt'\nskip = 1"));
    machine.begin(&[], &[], "a");
    assert!(machine.text(HALT).is_some(), "what is right beside a mistake counts");
}

#[test]
fn a_run_that_was_killed_before_systemd_had_read_its_units_is_made_good() {
    let machine = machine("");
    machine.begin(&["onFailure=halt"], &[], "a");
    machine.put("/run/gpunode/daemon-reload-kubelet", "");
    machine.begin(&["onFailure=halt"], &[], "a");
    assert_eq!(machine.reloads(), 2);
    assert_eq!(machine.text("/run/gpunode/daemon-reload-kubelet"), None);
}

#[test]
fn the_step_takes_the_guard_down() {
    for policy in ["onFailure=taint", "onFailure=halt"] {
        let machine = machine("");
        machine.begin(&[policy], &[], "a");
        let cx = machine.context(&[policy]);
        assert!(!kubelet::Kubelet.check(&cx, &machine.os).unwrap().changes.is_empty());
        kubelet::Kubelet.apply(&cx, &machine.os).unwrap();
        assert_eq!((machine.is_tainted(), machine.text(HALT)), (false, None));
        assert!(kubelet::Kubelet.check(&cx, &machine.os).unwrap().changes.is_empty());
    }
}

#[test]
fn a_guard_that_cannot_be_put_up_is_told() {
    let machine = machine("");
    std::fs::create_dir_all(machine.os.root().at(DROP_IN)).unwrap();
    let cx = machine.context(&[]);
    let mut guard = Guard::new(&cx, &machine.os, &Selection::default(), None);
    guard.put_up(&cx, &machine.os);
    let finding = guard.finding().unwrap();
    assert_eq!((guard.stands(), finding.code), (false, "RunNotGuarded"));
    assert!(finding.message.contains(DROP_IN), "{}", finding.message);
}
