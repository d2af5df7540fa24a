//! Others write on the node between our writes, in any order: what is theirs stays theirs, and what is ours comes right,
//! also where somebody overwrites it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

use std::collections::BTreeMap;

use gpunode_tests::binary;
use gpunode_tests::kube::daemonset::{Node, end};
use gpunode_tests::kube::{Client, Cluster, patch};
use serde_json::{Value, json};

/// Writes of each order, and orders: the same ones at each run.
const WRITES: usize = 32;
/// After so many writes everybody is given time, and all is compared.
const BETWEEN: usize = 8;

#[test]
fn others_writes_in_any_order_stay_and_ours_come_right() {
    let orders = if binary::thorough() { 20 } else { 1 };
    let cluster = Cluster::start().unwrap();
    cluster.extend_api().unwrap();
    cluster.deploy("overlays/all").unwrap();
    for order in 0..orders {
        let node = Node::new(&cluster, &format!("node-{order}"));
        let program = node.start(&["--taint", "--heartbeat", "10"]);
        node.until("GPUHealthy", "True", "");
        node.until("EFAHealthy", "True", "");
        let mut others = Others::new(&cluster, &node);
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (order + 1));
        let mut is_sick = false;
        let mut done = Vec::new();
        for write in 1..=WRITES {
            match random.below(12) {
                0 => others.label(random.below(3), Some(write)),
                1 => others.label(random.below(3), None),
                2 => others.apply_condition(write),
                3 => others.patch_ready(write),
                4 => others.replace_object(write),
                5 => others.replace_status(write),
                6 => others.taint(),
                7 => others.overwrite_our_condition(),
                8 => others.remove_our_label(),
                _ => {
                    is_sick = !is_sick;
                    node.machine.play(if is_sick { "gpu-unreachable" } else { "healthy-p5" });
                    others.done.push(if is_sick { "a GPU turns sick" } else { "it is well again" });
                }
            }
            if write % BETWEEN == 0 {
                is_ours(&node, is_sick, &others.done);
                assert_eq!(others.found(), others.wanted, "order {order}: {:?}", others.done);
                done.append(&mut others.done);
            }
        }
        println!("order {order}: {done:?}");
        end(program);
    }
}

/// Waits until conditions, labels and taint of ours are as the machine is.
fn is_ours(node: &Node, is_sick: bool, done: &[&str]) {
    let (status, label) = if is_sick { ("False", Some("unreachable")) } else { ("True", None) };
    node.wait(&format!("GPUHealthy {status} after {done:?}"), |node| {
        let object = node.object();
        let tainted = taints(&object).iter().any(|taint| taint["key"] == "gpunode.io/unhealthy");
        node.condition("GPUHealthy").0 == status
            && node.condition("EFAHealthy").0 == "True"
            && node.label("gpu-3").as_deref() == label
            && node.label("gpu.count").as_deref() == Some("8")
            && node.label("gpu.healthy").as_deref() == Some(if is_sick { "7" } else { "8" })
            && tainted == is_sick
    });
}

/// Everybody else who writes on the node, and what they have written.
struct Others {
    admin: Client,
    path: String,
    wanted: BTreeMap<String, Value>,
    done: Vec<&'static str>,
}

impl Others {
    fn new(cluster: &Cluster, node: &Node) -> Self {
        let path = format!("/api/v1/nodes/{}", node.reporter.node);
        let mut others =
            Self { admin: cluster.admin().unwrap(), path, wanted: BTreeMap::new(), done: Vec::new() };
        others.wanted = others.found();
        others
    }

    fn object(&self) -> Value {
        self.admin.get(&self.path).unwrap().granted(&self.path).unwrap()
    }

    fn status(&self) -> String {
        format!("{}/status", self.path)
    }

    /// All that is theirs.
    fn found(&self) -> BTreeMap<String, Value> {
        let object = self.object();
        let mut found = BTreeMap::new();
        for (key, value) in object["metadata"]["labels"].as_object().unwrap() {
            if !key.starts_with("gpunode.io/") {
                found.insert(format!("label {key}"), value.clone());
            }
        }
        for (key, value) in object["metadata"]["annotations"].as_object().into_iter().flatten() {
            found.insert(format!("annotation {key}"), value.clone());
        }
        for condition in object["status"]["conditions"].as_array().unwrap() {
            let kind = condition["type"].as_str().unwrap();
            if ["Ready", "KernelDeadlock"].contains(&kind) {
                found.insert(format!("condition {kind}"), json!([condition["status"], condition["message"]]));
            }
        }
        let theirs = taints(&object).into_iter().filter(|taint| taint["key"] != "gpunode.io/unhealthy");
        found.insert("taints".to_owned(), theirs.collect());
        found
    }

    fn patch(&self, path: &str, kind: &str, change: &Value) {
        self.admin.patch(path, kind, change).unwrap().granted(path).unwrap();
    }

    /// Reads, changes and replaces the object, as clients do that know no patches; again where it was changed meanwhile.
    fn replace(&self, path: &str, change: impl Fn(&mut Value)) {
        loop {
            let mut object = self.object();
            change(&mut object);
            let answer = self.admin.replace(path, &object).unwrap();
            if answer.status != 409 {
                answer.granted(path).unwrap();
                return;
            }
        }
    }

    fn label(&mut self, number: usize, value: Option<usize>) {
        self.done.push("a label");
        let key = format!("example.com/label-{number}");
        let value = value.map_or(Value::Null, |value| json!(value.to_string()));
        self.patch(&self.path, patch::MERGE, &json!({"metadata": {"labels": {&key: &value}}}));
        let key = format!("label {key}");
        if value.is_null() { drop(self.wanted.remove(&key)) } else { drop(self.wanted.insert(key, value)) }
    }

    /// As one that applies as we do.
    fn apply_condition(&mut self, number: usize) {
        self.done.push("a condition applied");
        let (status, message) = (["True", "False"][number % 2], format!("number {number}"));
        let condition =
            json!({"type": "KernelDeadlock", "status": status, "reason": "Tested", "message": message});
        let name = self.path.rsplit('/').next().unwrap();
        let object = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {"conditions": [condition]}});
        self.admin.apply(&self.status(), "other-monitor", &object).unwrap().granted("apply").unwrap();
        self.wanted.insert("condition KernelDeadlock".to_owned(), json!([status, message]));
    }

    /// As the kubelet does.
    fn patch_ready(&mut self, number: usize) {
        self.done.push("the kubelet's status");
        let message = format!("kubelet {number}");
        let ready = json!({"type": "Ready", "status": "True", "reason": "KubeletReady", "message": message});
        self.patch(&self.status(), patch::STRATEGIC, &json!({"status": {"conditions": [ready]}}));
        self.wanted.insert("condition Ready".to_owned(), json!(["True", message]));
    }

    fn replace_object(&mut self, number: usize) {
        self.done.push("the object replaced");
        let value = json!(number.to_string());
        self.replace(&self.path, |object| {
            object["metadata"]["annotations"]["example.com/number"] = value.clone();
        });
        self.wanted.insert("annotation example.com/number".to_owned(), value);
    }

    fn replace_status(&mut self, number: usize) {
        self.done.push("the status replaced");
        let message = json!(format!("replaced {number}"));
        let mut status = Value::Null;
        self.replace(&self.status(), |object| {
            let all = object["status"]["conditions"].as_array_mut().unwrap();
            let ready = all.iter_mut().find(|it| it["type"] == "Ready").unwrap();
            ready["message"] = message.clone();
        });
        self.object()["status"]["conditions"].as_array().unwrap().iter().for_each(|it| {
            if it["type"] == "Ready" {
                status = it["status"].clone();
            }
        });
        self.wanted.insert("condition Ready".to_owned(), json!([status, message]));
    }

    fn taint(&mut self) {
        self.done.push("a taint");
        let taint = json!({"key": "example.com/maintenance", "effect": "NoSchedule"});
        let has = taints(&self.object()).contains(&taint);
        self.replace(&self.path, |object| {
            let mut all = taints(object);
            all.retain(|it| *it != taint);
            all.extend((!has).then(|| taint.clone()));
            object["spec"]["taints"] = all.into();
        });
        let theirs = self.wanted.get_mut("taints").and_then(Value::as_array_mut).unwrap();
        theirs.retain(|it| *it != taint);
        theirs.extend((!has).then(|| taint.clone()));
    }

    /// Somebody who should not, with every right to.
    fn overwrite_our_condition(&mut self) {
        self.done.push("our condition overwritten");
        let fake =
            json!({"type": "GPUHealthy", "status": "Unknown", "reason": "Overwritten", "message": "by hand"});
        self.patch(&self.status(), patch::STRATEGIC, &json!({"status": {"conditions": [fake]}}));
    }

    fn remove_our_label(&mut self) {
        self.done.push("our label removed");
        let change = json!({"metadata": {"labels": {"gpunode.io/gpu.count": null}}});
        self.patch(&self.path, patch::MERGE, &change);
    }
}

fn taints(object: &Value) -> Vec<Value> {
    object["spec"]["taints"].as_array().cloned().unwrap_or_default()
}

/// Marsaglia's xorshift: the same orders at each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end).unwrap()
    }
}
