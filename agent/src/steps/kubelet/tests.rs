mod stepped;

use std::collections::BTreeMap;

use gpunode_host::Root;

use super::observe::{Allowed, Document, observe};
use super::plan::{HALT, Machine, OnTrouble, Plan, Wanted, Way, plan};
use super::{labels, taints};
use crate::steps::node_config::Others;

const DROP_IN: &str = "/etc/eks/nodeadm.d/90-gpunode-kubelet.yaml";

fn wanted() -> Wanted {
    Wanted {
        instance_type: Some("p5en.48xlarge".into()),
        gpu_node: true,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        on_trouble: OnTrouble::Taint,
        troubles: Vec::new(),
    }
}

fn machine(others_flags: &[&str]) -> Machine {
    Machine {
        way: Way::Nodeadm,
        others_flags: others_flags.iter().map(|&flag| flag.to_owned()).collect(),
        others_taints: Vec::new(),
        units: vec!["nodeadm-run.service", "kubelet.service"],
    }
}

fn file<'a>(plan: &'a Plan, path: &str) -> Option<&'a str> {
    plan.files.iter().find(|file| file.path.to_str() == Some(path)).map(|file| file.content.as_str())
}

/// The kubelet's flags as nodeadm would join them: of others, then of the drop-in.
fn joined(machine: &Machine, plan: &Plan) -> Vec<String> {
    let mut drop_in = Others::default();
    drop_in.add(file(plan, DROP_IN).unwrap()).unwrap();
    [machine.others_flags.clone(), drop_in.flags].concat()
}

fn taints_of(flags: &[String]) -> Vec<String> {
    taints::in_flags(flags).unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn a_healthy_gpu_node() {
    let plan = plan(&machine(&[]), &wanted());
    assert_eq!(
        file(&plan, DROP_IN).unwrap(),
        "# Written by gpunode-agent at every boot; changes made here are lost.\n\
         apiVersion: node.eks.aws/v1alpha1\n\
         kind: NodeConfig\n\
         spec:\n  kubelet:\n    flags:\n      \
         - \"--node-labels=eks.amazonaws.com/compute-type=gpu,node.kubernetes.io/instance-type=p5en.48xlarge,nvidia.com/gpu=true\"\n      \
         - \"--register-with-taints=nvidia.com/gpu=true:NoSchedule\"\n"
    );
    for unit in ["nodeadm-run", "kubelet"] {
        let condition =
            file(&plan, &format!("/etc/systemd/system/{unit}.service.d/10-gpunode.conf")).unwrap();
        assert!(condition.contains("[Unit]\nConditionPathExists=!/run/gpunode/halt\n"));
    }
    assert_eq!(file(&plan, HALT), None);
    assert!(plan.absent.iter().any(|path| path.to_str() == Some(HALT)));
    assert!(plan.findings.is_empty());
}

#[test]
fn an_instance_without_gpus_gets_no_gpu_labels() {
    let machine = machine(&[]);
    let plan =
        plan(&machine, &Wanted { gpu_node: false, instance_type: Some("c7i.large".into()), ..wanted() });
    assert_eq!(joined(&machine, &plan), ["--node-labels=node.kubernetes.io/instance-type=c7i.large"]);
}

#[test]
fn taints_of_others_stay() {
    let karpenter = ("karpenter.sh/unregistered".to_owned(), String::new(), "NoExecute".to_owned());
    let by_config = Machine { others_taints: vec![karpenter], ..machine(&[]) };
    let flags = joined(&by_config, &plan(&by_config, &wanted()));
    assert_eq!(taints_of(&flags), ["nvidia.com/gpu=true:NoSchedule", "karpenter.sh/unregistered=:NoExecute"]);

    // A flag beats the configuration, for the kubelet and so for us.
    let by_flag = Machine {
        others_flags: vec!["--register-with-taints=nvidia.com/gpu=present:NoSchedule,a=b:NoExecute".into()],
        ..by_config
    };
    let flags = joined(&by_flag, &plan(&by_flag, &wanted()));
    assert_eq!(taints_of(&flags), ["nvidia.com/gpu=present:NoSchedule", "a=b:NoExecute"]);
}

#[test]
fn labels_of_others_beat_our_defaults_and_the_operator_beats_both() {
    let machine = machine(&["--node-labels=nvidia.com/gpu=present,eks.amazonaws.com/nodegroup=g,team=x"]);
    let operators = BTreeMap::from([("team".to_owned(), "y".to_owned())]);
    let plan = plan(&machine, &Wanted { labels: operators, ..wanted() });
    let labels = labels::in_flags(&joined(&machine, &plan));
    assert_eq!(labels["nvidia.com/gpu"], "present");
    assert_eq!(labels["eks.amazonaws.com/nodegroup"], "g");
    assert_eq!(labels["team"], "y");
}

#[test]
fn what_the_kubelet_would_refuse_is_left_out_and_named() {
    let machine = machine(&[]);
    let operators = BTreeMap::from([("node-role.kubernetes.io/gpu".to_owned(), "true".to_owned())]);
    let plan = plan(&machine, &Wanted { labels: operators, taints: vec!["a=b:Never".into()], ..wanted() });
    let codes: Vec<_> =
        plan.findings.iter().map(|finding| (finding.code, finding.subject.as_str())).collect();
    assert_eq!(
        codes,
        [("NodeLabelRefused", "node-role.kubernetes.io/gpu"), ("NodeTaintRefused", "a=b:Never")]
    );
    let flags = joined(&machine, &plan).join(" ");
    assert!(!flags.contains("node-role") && !flags.contains("Never"), "{flags}");
}

#[test]
fn troubles_by_policy() {
    let machine = machine(&[]);
    let broken = |on_trouble| {
        plan(&machine, &Wanted { on_trouble, troubles: vec!["efa: EfaMissing: 31 of 32".into()], ..wanted() })
    };
    let not_ready = |plan: &Plan| {
        taints_of(&joined(&machine, plan)).contains(&"gpunode.io/not-ready=true:NoSchedule".to_owned())
    };

    let tainted = broken(OnTrouble::Taint);
    assert!(not_ready(&tainted) && file(&tainted, HALT).is_none());
    let halted = broken(OnTrouble::Halt);
    assert_eq!(file(&halted, HALT), Some("efa: EfaMissing: 31 of 32\n"));
    assert!(!not_ready(&halted) && halted.summary.starts_with("halted"));
    let joined = broken(OnTrouble::Join);
    assert!(!not_ready(&joined) && file(&joined, HALT).is_none());
}

struct Folder {
    _dir: tempfile::TempDir,
    root: Root,
}

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        for (path, text) in files {
            std::fs::create_dir_all(root.at(path).parent().unwrap()).unwrap();
            std::fs::write(root.at(path), text).unwrap();
        }
        Self { _dir: dir, root }
    }

    fn observe(&self, allowed: Allowed, user_data: &[&str]) -> (Machine, Vec<&'static str>) {
        let documents: Vec<_> = user_data
            .iter()
            .map(|&text| Document { origin: "user data".into(), text: text.into() })
            .collect();
        let mut findings = Vec::new();
        let machine = observe(&self.root, allowed, &documents, &mut findings).unwrap();
        (machine, findings.iter().map(|finding| finding.code).collect())
    }
}

#[test]
fn nodeadm_is_read_in_its_own_order_and_ours_is_not_read() {
    let folder = Folder::with(&[
        ("/usr/bin/nodeadm", ""),
        ("/etc/eks/nodeadm.d/90-gpunode-kubelet.yaml", "spec: {kubelet: {flags: [--ours]}}"),
        ("/etc/eks/nodeadm.d/20-b.yml", "spec: {kubelet: {flags: [--b]}}"),
        ("/etc/eks/nodeadm.d/10-a.json", r#"{"spec":{"kubelet":{"flags":["--a"]}}}"#),
        ("/etc/eks/nodeadm.d/15-notes.txt", "no: ["),
        ("/etc/eks/nodeadm.d/30-broken.yaml", "no: ["),
        (
            "/etc/eks/nodeadm.d/99-late.yaml",
            "spec: {kubelet: {flags: ['--register-with-taints=x:NoSchedule']}}",
        ),
    ]);
    let (machine, codes) = folder.observe(Allowed::Auto, &["spec: {kubelet: {flags: [--user]}}"]);
    assert_eq!(machine.way, Way::Nodeadm);
    assert_eq!(machine.others_flags, ["--user", "--a", "--b", "--register-with-taints=x:NoSchedule"]);
    assert_eq!(codes, ["NodeConfigOverrides", "NodeConfigInvalid"]);
}

const KUBEADM_UNIT: (&str, &str) = (
    "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
    "[Service]\nEnvironmentFile=-/etc/default/kubelet\nExecStart=/usr/bin/kubelet $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n",
);

#[test]
fn the_kubelet_of_kubeadm_gets_the_operators_words_and_ours() {
    let folder = Folder::with(&[
        KUBEADM_UNIT,
        (
            "/etc/default/kubelet",
            "KUBELET_EXTRA_ARGS=\"--node-ip=10.0.0.1 --register-with-taints=a=b:NoSchedule\"\n",
        ),
    ]);
    let (machine, codes) = folder.observe(Allowed::Auto, &[]);
    assert!(codes.is_empty());
    let plan = plan(&machine, &Wanted { gpu_node: false, taints: vec!["c:NoExecute".into()], ..wanted() });
    assert_eq!(
        file(&plan, "/etc/gpunode/kubelet.env").unwrap().lines().last().unwrap(),
        "KUBELET_EXTRA_ARGS=--node-ip=10.0.0.1 --register-with-taints=a=b:NoSchedule \
         --node-labels=node.kubernetes.io/instance-type=p5en.48xlarge \
         --register-with-taints=a=b:NoSchedule,c=:NoExecute"
    );
    assert!(file(&plan, "/etc/systemd/system/kubelet.service.d/90-gpunode.conf").is_some());
    assert_eq!(file(&plan, DROP_IN), None);
}

#[test]
fn kubelets_that_cannot_be_told() {
    let snap = Folder::with(&[("/snap/kubelet-eks/current/x", "")]);
    let (machine, _) = snap.observe(Allowed::Auto, &[]);
    assert!(machine.units.contains(&"snap.kubelet-eks.daemon.service"));
    let told = plan(&machine, &wanted());
    assert_eq!(told.findings[0].code, "KubeletOutOfReach");
    assert!(told.findings[0].message.contains("--node-labels="), "{}", told.findings[0].message);

    let nothing = Folder::with(&[]);
    let (machine, _) = nothing.observe(Allowed::Auto, &[]);
    assert_eq!(plan(&machine, &wanted()).summary, "no kubelet on this machine");
    let (machine, codes) = nothing.observe(Allowed::Nodeadm, &[]);
    assert_eq!((codes, plan(&machine, &wanted()).files.len()), (vec!["NodeadmMissing"], 2));
    let (machine, codes) = Folder::with(&[KUBEADM_UNIT]).observe(Allowed::None, &[]);
    assert!(matches!(machine.way, Way::None(_)) && codes.is_empty());
}
