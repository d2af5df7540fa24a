//! What a reporter may write: each attempt is a real request with the token of the pod on one node.
#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "what helps a test is a test")]

mod attempts;

use attempts::{Attempt, EVENTS, Pod, condition, judge, labels};
use gpunode_tests::kube::{Cluster, event, patch};
use serde_json::{Value, json};

#[test]
fn a_reporter_writes_its_own_conditions_labels_and_events() {
    let cluster = Cluster::start().unwrap();
    cluster.deploy("base").unwrap();
    let pod = Pod { client: cluster.reporter_client("node-a").unwrap(), node: "node-a" };
    let event_path = format!("{EVENTS}/node-a.1");
    let series = json!({"series": {"count": 2, "lastObservedTime": "2026-11-21T00:00:01.000000Z"}});
    judge(vec![
        pod.apply("condition", "/status", &condition("GPUHealthy"), None),
        pod.apply("another condition in its place", "/status", &condition("NodeBootstrapped"), None),
        pod.apply("label", "", &labels(json!({"gpunode.io/gpu.count": "8"})), None),
        pod.apply("other labels in its place", "", &labels(json!({"gpunode.io/gpu-3": "xid-79"})), None),
        pod.apply("no label any more", "", &labels(json!({})), None),
        pod.send("event", "POST", EVENTS, Some(&event("node-a", "node-a.1")), None),
        Attempt {
            what: "series of an event",
            answer: pod.client.patch(&event_path, patch::MERGE, &series).unwrap(),
            refused: None,
        },
    ]);
    let node = cluster.admin().unwrap().get("/api/v1/nodes/node-a").unwrap().body;
    let types: Vec<_> = node["status"]["conditions"].as_array().unwrap().iter().map(|c| &c["type"]).collect();
    assert_eq!(types, ["Ready", "KernelDeadlock", "NodeBootstrapped"]);
    assert_eq!(node["metadata"]["labels"]["team"], "a");
}

#[test]
fn with_taints_and_repair_a_reporter_also_writes_these_and_no_more() {
    let cluster = Cluster::start().unwrap();
    cluster.extend_api().unwrap();
    cluster.deploy("overlays/all").unwrap();
    let pod = Pod { client: cluster.reporter_client("node-a").unwrap(), node: "node-a" };
    // Beside the test's own there is one that the API server gives every new node.
    let node = cluster.admin().unwrap().get("/api/v1/nodes/node-a").unwrap().body;
    let theirs: Vec<_> = node["spec"]["taints"].as_array().unwrap().iter().collect();
    assert!(theirs.len() > 1, "{theirs:?}");
    let ours = json!({"key": "gpunode.io/unhealthy", "value": "GPUHealthy", "effect": "NoSchedule"});
    let taints = |more: &[&Value]| {
        let all = [theirs.as_slice(), more].concat();
        json!({"spec": {"taints": all}})
    };
    let foreign = json!({"key": "x", "effect": "NoExecute"});
    let only = Some("may only change these taints: gpunode.io/unhealthy");
    judge(vec![
        pod.apply("EKS's condition", "/status", &condition("AcceleratedHardwareReady"), None),
        pod.apply("the kubelet's", "/status", &condition("Ready"), Some("may only change these conditions")),
        pod.send("read its own node", "GET", &pod.path(""), None, None),
        pod.patch("the taint", patch::MERGE, "", &taints(&[&ours]), None),
        pod.patch("the taint gone", patch::MERGE, "", &taints(&[]), None),
        pod.patch(
            "somebody's taint gone",
            patch::MERGE,
            "",
            &json!({"spec": {"taints": theirs.split_at(1).1}}),
            only,
        ),
        pod.patch("another taint", patch::MERGE, "", &taints(&[&foreign]), only),
        pod.patch(
            "cordon",
            patch::MERGE,
            "",
            &json!({"spec": {"unschedulable": true}}),
            Some("by server-side apply"),
        ),
        pod.patch(
            "a label by merge",
            patch::MERGE,
            "",
            &json!({"metadata": {"labels": {"gpunode.io/x": "y"}}}),
            Some("by server-side apply"),
        ),
        pod.patch(
            "nobody owns anything",
            patch::MERGE,
            "",
            &json!({"metadata": {"managedFields": [{}]}}),
            Some("may not take from others"),
        ),
        pod.patch(
            "conditions by merge",
            patch::MERGE,
            "/status",
            &json!({"status": {"conditions": []}}),
            Some("may only change these conditions"),
        ),
    ]);
}

#[test]
fn a_node_with_much_in_it_is_judged_within_the_limits_of_policies() {
    let cluster = Cluster::start().unwrap();
    cluster.deploy("base").unwrap();
    let pod = Pod { client: cluster.reporter_client("node-a").unwrap(), node: "node-a" };
    let images: Vec<_> = (0..50)
        .map(|at| json!({"names": [format!("registry.example/{at}@sha256:{at:064}"), format!("registry.example/{at}:latest")], "sizeBytes": at}))
        .collect();
    let conditions: Vec<_> = (0..40).map(|at| json!({"type": format!("Of{at}"), "status": "True"})).collect();
    let many: serde_json::Map<_, _> =
        (0..200).map(|at| (format!("example.com/label-{at}"), json!("x"))).collect();
    let admin = cluster.admin().unwrap();
    let status = json!({"status": {"images": images, "conditions": conditions}});
    admin.patch(&pod.path("/status"), patch::STRATEGIC, &status).unwrap().granted("status").unwrap();
    let meta = json!({"metadata": {"labels": many, "annotations": {"big": "x".repeat(100_000)}}});
    admin.patch(&pod.path(""), patch::MERGE, &meta).unwrap().granted("labels").unwrap();
    judge(vec![
        pod.apply("condition", "/status", &condition("GPUHealthy"), None),
        pod.apply("label", "", &labels(json!({"gpunode.io/gpu.count": "8"})), None),
        pod.apply(
            "somebody's label",
            "",
            &labels(json!({"example.com/label-7": "y"})),
            Some("may only change labels"),
        ),
    ]);
}
