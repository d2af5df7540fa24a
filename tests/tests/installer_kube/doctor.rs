//! `installer doctor`, with nodes that nobody but the API server knows of.

use std::time::{Duration, SystemTime};

use gpunode_tests::aws::Told;
use serde_json::{Value, json};

use crate::hardware::namespace;
use crate::inside::{Inside, NAMES, one_at_a_time};
use crate::node::{NODES, PODS, node, time, watched};

const CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";
/// Nobody serves metrics here, which the API server finds out by itself.
const ALWAYS: &str = "kubernetes/APIService/v1beta1.metrics.k8s.io";

/// Every finding that is not ok: level, subject and what.
fn wrong(told: &Told) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let document = told.json();
    let all = document["findings"].as_array().unwrap().iter();
    all.map(|row| (text(&row["level"]), text(&row["subject"]), text(&row["what"])))
        .filter(|(level, subject, _)| level != "ok" && subject != ALWAYS)
        .collect()
}

fn has(told: &Told, level: &str, subject: &str, what: &str) {
    let found = wrong(told).into_iter().any(|row| row.0 == level && row.1 == subject && row.2.contains(what));
    assert!(found, "{level} {subject} {what}: {:#?}", wrong(told));
}

/// A subnet that there is, in the settings.
fn subnet(inside: &Inside) -> String {
    let made = inside.bed.calls(&json!([["ec2", "create_subnet", {
        "VpcId": "vpc-00000000", "CidrBlock": "10.77.0.0/24", "AvailabilityZone": "us-west-2a" }]]));
    made[0]["Subnet"]["SubnetId"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_wrong_is_told_with_what_to_do_and_nothing_is_changed() {
    let _turn = one_at_a_time();
    let inside = Inside::new(331);
    let subnet = subnet(&inside);
    let variables = [("PRIVATE_SUBNET_A", subnet.as_str())];
    let doctor = |more: &[&str]| inside.run(&[&["doctor", "--json"], more].concat(), &variables);

    let told = doctor(&[]);
    assert_eq!(told.code, Some(3), "{told:?}");
    has(&told, "error", "add-on eks-pod-identity-agent", "is not installed");
    has(&told, "error", "iam-role/research-ebs-csi", "is not there");
    has(&told, "error", "default StorageClass", "there is none");
    has(&told, "error", "nodes for cluster services", "none is of the node group eks-utils");
    assert_eq!(told.json()["calls"]["mutating"], 0);
    assert_eq!((inside.changes(), inside.aws.mutating()), (0, 0), "doctor changed something");

    assert_eq!(inside.run(&["apply", "--yes"], &variables).code, Some(0));
    for name in ["aws-load-balancer-controller", "cluster-autoscaler", "metrics-server"] {
        inside.runs(name);
    }
    node(&inside, "utils", |node| {
        node["metadata"]["labels"] = json!({ "eks.amazonaws.com/nodegroup": "eks-utils" });
    });
    let told = doctor(&[]);
    assert_eq!((told.code, wrong(&told)), (Some(3), Vec::new()), "{told:?}");
    for said in ["in standard support", "everything", "API_AND_CONFIG_MAP", "251 free addresses", "ours"] {
        assert!(told.out.contains(said), "{said}: {told:?}");
    }
    nodes(&inside, &doctor);
    ways_in(&inside, &doctor);

    let second = json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "none",
        "metadata": { "name": "mine", "annotations": { "storageclass.kubernetes.io/is-default-class": "true" } } });
    inside.create(CLASSES, &second);
    has(&doctor(&[]), "error", "default StorageClass", "there are 2: gp3, mine");
    // The table has the same, and helm's absence hides nothing.
    let told = inside.run(&["doctor"], &[variables[0], ("PATH", "/usr/bin:/bin")]);
    assert_eq!(told.code, Some(3), "{told:?}");
    for said in [
        "-> install helm 3.14 or later",
        "could not tell: helm: helm is not in PATH",
        "there are 2: gp3, mine",
    ] {
        assert!(told.out.contains(said), "{said}: {told:?}");
    }
    inside.delete(&format!("{CLASSES}/mine"));
    inside.delete(&format!("{NODES}/utils"));
    assert_eq!(inside.run(&["destroy", "--yes"], &variables).code, Some(0));
}

fn nodes(inside: &Inside, doctor: &impl Fn(&[&str]) -> Told) {
    node(inside, "gpu-well", |_| {});
    let told = doctor(&[]);
    has(&told, "error", "gpunode-daemonset", "no node has a pod of it");
    namespace(inside, "doctor");
    watched(inside, "gpu-well");
    let told = doctor(&[]);
    assert_eq!(wrong(&told), Vec::new(), "{told:?}");
    assert!(told.out.contains("1 of 1 as they must be"), "{told:?}");

    node(inside, "gpu-few", |node| node["status"]["allocatable"]["vpc.amazonaws.com/efa"] = "15".into());
    node(inside, "gpu-sick", |node| {
        node["status"]["conditions"][1] = json!({ "type": "GPUHealthy", "status": "False", "reason": "GpuXid79",
            "message": "GPU 3 has fallen off the bus", "lastHeartbeatTime": node["status"]["conditions"][0]["lastHeartbeatTime"] });
    });
    node(inside, "gpu-alone", |_| {});
    node(inside, "gpu-unready", |node| {
        node["spec"]["taints"] = json!([{ "key": "gpunode.io/not-ready", "effect": "NoSchedule" }]);
    });
    let old = time(SystemTime::now() - Duration::from_secs(3600));
    node(inside, "gpu-silent", |node| {
        for condition in node["status"]["conditions"].as_array_mut().unwrap() {
            condition["lastHeartbeatTime"] = old.as_str().into();
        }
    });
    for name in ["gpu-few", "gpu-sick", "gpu-unready", "gpu-silent"] {
        watched(inside, name);
    }
    let told = doctor(&[]);
    has(&told, "error", "node gpu-few", "offers 15 of 16 vpc.amazonaws.com/efa (p5en.48xlarge)");
    has(&told, "error", "node gpu-sick", "GPUHealthy is False: GpuXid79: GPU 3 has fallen off the bus");
    has(&told, "error", "node gpu-alone", "has no pod of gpunode-daemonset");
    has(&told, "error", "node gpu-unready", "has the taint gpunode.io/not-ready");
    has(&told, "unknown", "node gpu-silent", "its conditions are 60 minutes old");
    assert_eq!(wrong(&told).len(), 5, "{told:?}");
    assert!(told.out.contains("1 of 6 as they must be"), "{told:?}");
    for name in ["gpu-few", "gpu-sick", "gpu-alone", "gpu-unready", "gpu-silent"] {
        inside.delete(&format!("{NODES}/{name}"));
        inside.delete(&format!("{PODS}/{name}"));
    }
}

/// Somebody without rights, somebody whom the API server does not know, and no API server.
fn ways_in(inside: &Inside, doctor: &impl Fn(&[&str]) -> Told) {
    let token = inside.cluster.kubectl(&["create", "token", "default", "--namespace", "doctor"]).unwrap();
    let weak = inside.kubeconfig("weak", inside.cluster.url(), token.trim());
    let told = doctor(&["--kubeconfig", &weak]);
    assert_eq!(told.code, Some(3), "{told:?}");
    has(&told, "error", "rights in the cluster", "create storageclasses.storage.k8s.io");
    has(&told, "unknown", "GPU nodes", "403 Forbidden");
    has(&told, "unknown", "kubernetes/StorageClass/gp3", "403 Forbidden");

    let unknown = inside.kubeconfig("unknown", inside.cluster.url(), "nobody's");
    let told = doctor(&["--kubeconfig", &unknown]);
    has(&told, "error", "API server", "401 Unauthorized");
    assert!(told.out.contains("it does not know arn:aws:"), "{told:?}");

    let nowhere = inside.kubeconfig("nowhere", "https://127.0.0.1:9", "any");
    let told = doctor(&["--kubeconfig", &nowhere]);
    assert_eq!(told.code, Some(3), "{told:?}");
    has(&told, "error", "API server", "https://127.0.0.1:9");
    has(&told, "unknown", "inside of the cluster", "cannot be asked");
    // The other side is looked at all the same.
    assert!(
        told.out.contains("add-on eks-pod-identity-agent") && told.out.contains("in standard support"),
        "{told:?}"
    );
    assert!(NAMES.iter().all(|name| !told.out.contains(&format!("\"helm/{name}\""))), "{told:?}");
    inside.delete(&format!("{NODES}/gpu-well"));
    inside.delete(&format!("{PODS}/gpu-well"));
}
