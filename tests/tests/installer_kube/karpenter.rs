//! Karpenter's node classes and pools, by its real definitions. Its controller is not there: the tests do what it would.

use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::inside::{Inside, one_at_a_time};

pub(crate) const ON: [(&str, &str); 2] = [("INSTALL_KARPENTER", "true"), ("KARPENTER_VERSION", "1.14.0")];
pub(crate) const CLASSES: &str = "/apis/karpenter.k8s.aws/v1/ec2nodeclasses";
const POOLS: &str = "/apis/karpenter.sh/v1/nodepools";
const CLAIMS: &str = "/apis/karpenter.sh/v1/nodeclaims";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const POOL_DEFINITION: &str = "nodepools.karpenter.sh";
const CLASS_DEFINITION: &str = "ec2nodeclasses.karpenter.k8s.aws";
/// What Karpenter puts on a class whose nodes it has to end first.
const FINALIZER: &str = "karpenter.k8s.aws/termination";

fn places() -> Vec<String> {
    let classes = ["general", "gpu"].map(|name| format!("{CLASSES}/{name}"));
    let pools = ["amd64", "arm64", "gpu-on-demand", "gpu-spot"].map(|name| format!("{POOLS}/{name}"));
    [&classes[..], &pools[..]].concat()
}

/// Says of each what its controller would.
pub(crate) fn are_ready(inside: &Inside) {
    let condition = json!({ "type": "Ready", "status": "True", "reason": "Ready", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z" });
    for place in places() {
        inside.says(&place, &json!({ "conditions": [condition] }));
    }
}

fn of_karpenter(inside: &Inside) -> Vec<String> {
    let mut ours = inside.ours();
    ours.retain(|path| path.contains("karpenter"));
    ours.sort();
    ours
}

/// A generous bound, against hanging.
fn until(what: &str, done: impl Fn() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(60), "{what} never was");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The lines of `text` that speak of Karpenter's objects.
fn about(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.contains("EC2NodeClass") || line.contains("NodePool")).collect()
}

#[test]
fn classes_and_pools_come_with_the_chart_are_kept_right_and_go_with_it() {
    let _turn = one_at_a_time();
    let inside = Inside::new(321);
    inside.write_chart("karpenter", "1.14.0");
    let told = inside.run(&["apply", "--yes"], &ON);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(of_karpenter(&inside), places());
    // Beside Cluster Autoscaler.
    assert_eq!(inside.releases().len(), 3);

    inside.is_applied(&ON);

    is_what_is_rendered(&inside);
    every_kind_of_node_is_taken(&inside);
    let told = inside.run(&["status"], &ON);
    assert_eq!(told.code, Some(3), "{told:?}");
    let lines = about(&told.out);
    assert_eq!(lines.len(), 6, "{told:?}");
    assert!(lines.iter().all(|line| line.starts_with("sick ")), "{lines:?}");
    are_ready(&inside);
    let told = inside.run(&["verify"], &ON);
    assert_eq!(about(&told.out), Vec::<&str>::new(), "{told:?}");

    drift_is_repaired(&inside);
    let told = inside.run(&["apply", "--yes"], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(of_karpenter(&inside), Vec::<String>::new());
    assert!(!inside.releases().contains(&"karpenter".to_owned()));
    assert!(told.out.contains("the nodes that Karpenter started for these pools end with them"), "{told:?}");
    let order =
        |what: &str| told.err.find(&format!("removed: {what}")).unwrap_or_else(|| panic!("{what}: {told:?}"));
    assert!(order("kubernetes/NodePool/gpu-spot") < order("kubernetes/EC2NodeClass/gpu"), "{told:?}");
    assert!(order("kubernetes/EC2NodeClass/gpu") < order("helm/karpenter"), "{told:?}");
    assert!(order("helm/karpenter") < order("iam-role/research-karpenter\n"), "{told:?}");

    assert_eq!(inside.run(&["apply", "--yes"], &ON).code, Some(0));
    assert_eq!(of_karpenter(&inside), places());
    nodes_go_before_karpenter(&inside);
}

fn is_what_is_rendered(inside: &Inside) {
    // What `render` writes is what is there: another manager who says the same is in nobody's way.
    let told = inside.run(&["render", "kubernetes", "--out", "rendered"], &ON);
    assert_eq!(told.code, Some(0), "{told:?}");
    for name in ["karpenter-general", "karpenter-gpu"] {
        let file = inside.bed.folder().join(format!("rendered/kubernetes/{name}.yaml"));
        let words = ["apply", "--server-side", "--dry-run=server", "--field-manager=another", "--filename"];
        inside.cluster.kubectl(&[&words[..], &[&file.display().to_string()]].concat()).unwrap();
    }
    let gpu = inside.get(&format!("{CLASSES}/gpu"));
    assert_eq!(gpu["spec"]["networkInterfaces"].as_array().unwrap().len(), 17);
    assert!(gpu["spec"]["userData"].as_str().unwrap().contains("MIME-Version"), "{gpu}");
    // Another reader of YAML makes the same of the definitions.
    for name in ["karpenter.sh_nodepools", "karpenter.k8s.aws_ec2nodeclasses"] {
        let file = format!("{}/crds/{name}.yaml", inside.chart("karpenter"));
        let text =
            inside.cluster.kubectl(&["create", "--dry-run=client", "-o", "json", "-f", &file]).unwrap();
        let right: Value = serde_json::from_str(&text).unwrap();
        let found = inside.get(&format!("{DEFINITIONS}/{}", right["metadata"]["name"].as_str().unwrap()));
        assert_eq!(found["spec"]["versions"], right["spec"]["versions"], "{name}");
    }
}

/// Whatever the settings ask for, Karpenter's definitions and their rules take it.
fn every_kind_of_node_is_taken(inside: &Inside) {
    let block = [("GPU_CAPACITY", "capacity-block"), ("GPU_CAPACITY_RESERVATION_ID", "cr-0123456789abcdef0")];
    let variants: [&[(&str, &str)]; 8] = [
        &block,
        &[("GPU_EFA_LAYOUT", "combined")],
        &[
            ("GPU_INSTANCE_TYPE", "p6-b300.48xlarge"),
            ("NVIDIA_DRIVER_VERSION", "580"),
            ("GPU_DATA_VOLUME_SIZE", "none"),
        ],
        &[("GPU_INSTANCE_TYPE", "p4d.24xlarge"), ("GPU_NUM_ENIS", "2")],
        &[("GPU_INSTANCE_TYPE", "g6e.48xlarge"), ("GPU_MAX_SIZE", "1")],
        &[("GPU_INSTANCE_TYPE", "g5g.16xlarge"), ("GPU_NUM_ENIS", "0")],
        &[("CLUSTER_SECURITY_GROUP", "sg-01234567"), ("GPU_SECURITY_GROUP", "sg-01234568")],
        &[
            ("GPU_AMI_ID", "ami-0123456789abcdef0"),
            ("GPU_ROOT_DEVICE", "/dev/sda1"),
            ("GPU_PLACEMENT_GROUP", "near"),
        ],
    ];
    for (number, variant) in variants.iter().enumerate() {
        let folder = format!("variant-{number}");
        let told = inside.run(&["render", "kubernetes", "--out", &folder], &[&ON[..], variant].concat());
        assert_eq!(told.code, Some(0), "{variant:?}: {told:?}");
        let file =
            inside.bed.folder().join(folder).join("kubernetes/karpenter-gpu.yaml").display().to_string();
        let words = ["apply", "--server-side", "--dry-run=server", "--force-conflicts", "--filename", &file];
        inside.cluster.kubectl(&words).unwrap_or_else(|error| panic!("{variant:?}: {error}"));
    }
}

fn drift_is_repaired(inside: &Inside) {
    let right: Vec<Value> = places().iter().map(|place| inside.get(place)["spec"].clone()).collect();
    let limit = json!([{ "op": "replace", "path": "/spec/limits/nvidia.com~1gpu", "value": 1 }]);
    inside.patch(&format!("{POOLS}/gpu-spot"), &limit);
    let hops =
        json!([{ "op": "replace", "path": "/spec/metadataOptions/httpPutResponseHopLimit", "value": 5 }]);
    inside.patch(&format!("{CLASSES}/general"), &hops);
    inside.delete(&format!("{POOLS}/arm64"));
    let told = inside.run(&["plan"], &ON);
    for said in [
        "~ kubernetes/NodePool/gpu-spot\n    /spec/limits/nvidia.com~1gpu: 1 -> 80\n",
        "~ kubernetes/EC2NodeClass/general\n    /spec/metadataOptions/httpPutResponseHopLimit: 5 -> 1\n",
        "+ kubernetes/NodePool/arm64\n",
        "1 to create, 2 to change",
    ] {
        assert!(told.out.contains(said), "{said}: {told:?}");
    }
    assert_eq!(inside.run(&["apply", "--yes"], &ON).code, Some(0));
    let now: Vec<Value> = places().iter().map(|place| inside.get(place)["spec"].clone()).collect();
    assert_eq!(now, right);
}

/// `destroy`, where a node of the GPU class still runs.
fn nodes_go_before_karpenter(inside: &Inside) {
    let class = format!("{CLASSES}/gpu");
    inside.patch(&class, &json!([{ "op": "add", "path": "/metadata/finalizers", "value": [FINALIZER] }]));
    inside.create(
        CLAIMS,
        &json!({ "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
            "metadata": { "name": "gpu-spot-x7k2p", "labels": { "karpenter.sh/nodepool": "gpu-spot" } },
            "spec": { "requirements": [],
                "nodeClassRef": { "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu" } } }),
    );
    let claim = format!("{CLAIMS}/gpu-spot-x7k2p");
    inside.says(&claim, &json!({ "providerID": "aws:///us-west-2a/i-0123456789abcdef0" }));
    let condition = json!({ "type": "Launched", "status": "False", "reason": "LaunchFailed", "message": "no quota",
        "lastTransitionTime": "2026-01-01T00:00:00Z" });
    inside.says(&claim, &json!({ "conditions": [condition] }));
    let told = inside.run(&["doctor"], &ON);
    let said = "node claim gpu-spot-x7k2p";
    assert!(
        told.out.contains(said)
            && told.out.contains("is not Launched after 0 minutes: LaunchFailed: no quota"),
        "{told:?}"
    );
    let mut child = inside.start(&["destroy", "--yes"], &ON);
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let told = "waiting: kubernetes/EC2NodeClass/gpu: Terminating: instances of it run, and Karpenter moves their pods \
                before it ends them: gpu-spot-x7k2p (i-0123456789abcdef0)";
    assert!(said.any(|line| line == told), "{told}");
    assert!(!inside.has(&format!("{POOLS}/gpu-spot")) && inside.has(&class));
    assert!(inside.releases().contains(&"karpenter".to_owned()));
    inside.delete(&claim);
    let told = format!(
        "waiting: kubernetes/EC2NodeClass/gpu: Terminating: Karpenter has to take {FINALIZER} from it"
    );
    assert!(said.any(|line| line == told), "{told}");
    assert!(inside.releases().contains(&"karpenter".to_owned()));
    inside.patch(&class, &json!([{ "op": "remove", "path": "/metadata/finalizers" }]));
    let rest: Vec<String> = said.collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest:?}");
    assert_eq!((inside.releases(), inside.ours()), (Vec::<String>::new(), Vec::new()));
    assert_eq!(inside.bed.inventory(), inside.empty);
    // Definitions stay, as helm leaves them: others may have objects of theirs.
    assert!(inside.has(&format!("{DEFINITIONS}/{POOL_DEFINITION}")));
}

#[test]
fn a_kind_that_nobody_serves_is_named_and_a_newer_chart_brings_it() {
    let _turn = one_at_a_time();
    let inside = Inside::new(322);
    inside.write_chart("karpenter", "1.14.0");
    std::fs::remove_dir_all(format!("{}/crds", inside.chart("karpenter"))).unwrap();
    for (definition, list) in [(POOL_DEFINITION, POOLS), (CLASS_DEFINITION, CLASSES)] {
        inside.delete(&format!("{DEFINITIONS}/{definition}"));
        until("the end of a kind", || !inside.has(list));
    }
    let told = inside.run(&["apply", "--yes"], &ON);
    assert_eq!(told.code, Some(5), "{told:?}");
    for said in [
        "failed: kubernetes/EC2NodeClass/gpu: kubernetes apply: the API server does not serve EC2NodeClass v1: the \
         CustomResourceDefinition ec2nodeclasses.karpenter.k8s.aws is not there, and Karpenter's chart should have \
         brought it: helm show crds tells whether it has it, 8 times",
        "skipped: kubernetes/NodePool/gpu-spot, which waits for",
    ] {
        assert!(told.err.contains(said), "{said}: {told:?}");
    }
    assert_eq!(of_karpenter(&inside), Vec::<String>::new());

    // Helm itself makes definitions with the first installation only; and what others made of that name stays theirs.
    inside.write_chart("karpenter", "1.14.1");
    let newer = [ON[0], ("KARPENTER_VERSION", "1.14.1")];
    let told = inside.run(&["apply", "--yes"], &newer);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(of_karpenter(&inside), places());
    let mut theirs = inside.get(&format!("{POOLS}/amd64"));
    inside.delete(&format!("{POOLS}/amd64"));
    theirs["metadata"] = json!({ "name": "amd64" });
    inside.create(POOLS, &theirs);
    let told = inside.run(&["apply", "--yes"], &newer);
    assert_eq!(told.code, Some(4), "{told:?}");
    assert!(told.out.contains("! kubernetes/NodePool/amd64 exists and is nobody's by its tags"), "{told:?}");
    let told = inside.run(&["destroy", "--yes"], &newer);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(inside.has(&format!("{POOLS}/amd64")) && of_karpenter(&inside).is_empty());
    inside.delete(&format!("{POOLS}/amd64"));
}
