//! GPU nodes that nobody but the API server knows of.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::inside::Inside;

pub(crate) const NODES: &str = "/api/v1/nodes";
pub(crate) const PODS: &str = "/api/v1/namespaces/doctor/pods";

/// A p5en node, as its kubelet and the DaemonSet tell of it, with this change.
pub(crate) fn node(inside: &Inside, name: &str, change: impl FnOnce(&mut Value)) {
    let now = time(SystemTime::now());
    let conditions = ["Ready", "GPUHealthy", "EFAHealthy", "NodeStorageHealthy", "NodeBootstrapped"];
    let said = |kind: &str| {
        json!({ "type": kind, "status": "True", "reason": "Fine", "message": "fine", "lastHeartbeatTime": now,
            "lastTransitionTime": now })
    };
    let all = json!({ "nvidia.com/gpu": "8", "vpc.amazonaws.com/efa": "16", "cpu": "192" });
    let mut it = json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": name, "labels": {
            "nvidia.com/gpu": "true", "node.kubernetes.io/instance-type": "p5en.48xlarge" } },
        "spec": {},
        "status": { "capacity": all, "allocatable": all, "conditions": conditions.map(said) },
    });
    change(&mut it);
    inside.create(NODES, &it);
    inside.says(&format!("{NODES}/{name}"), &it["status"]);
}

pub(crate) fn time(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().to_string();
    let mut date = gpunode_tests::kube::program("date");
    date.args(["--utc", "--date", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%SZ"]);
    gpunode_tests::kube::finish(date).unwrap().trim().to_owned()
}

/// A pod of the DaemonSet on that node.
pub(crate) fn watched(inside: &Inside, name: &str) {
    let pod = json!({ "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "labels": { "app.kubernetes.io/name": "gpunode-daemonset" } },
        "spec": { "nodeName": name, "containers": [{ "name": "it", "image": "none.invalid/none" }] } });
    inside.create(PODS, &pod);
    let ready = json!({ "conditions": [{ "type": "Ready", "status": "True" }] });
    inside.says(&format!("{PODS}/{name}"), &ready);
}
