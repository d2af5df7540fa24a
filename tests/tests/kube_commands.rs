//! `gpunode-daemonset --once`, `--dry-run` and `cleanup` on a real API server: one look, no write, and nothing of ours left.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

use std::path::{Path, PathBuf};

use gpunode_tests::agent::{Run, finish, program, text};
use gpunode_tests::binary;
use gpunode_tests::kube::daemonset::{Node, end};
use gpunode_tests::kube::{Cluster, patch};
use serde_json::{Value, json};

const OURS: [&str; 7] = [
    "GPUHealthy",
    "EFAHealthy",
    "NodeStorageHealthy",
    "NodeBootstrapped",
    "AcceleratedHardwareReady",
    "NetworkingReady",
    "StorageReady",
];

fn cluster(overlay: &str) -> Cluster {
    let cluster = Cluster::start().unwrap();
    cluster.extend_api().unwrap();
    cluster.deploy(overlay).unwrap();
    cluster
}

/// The program as a person runs it, who is who the kubeconfig says.
fn run(kubeconfig: &Path, words: &[&str]) -> Run {
    let mut command = program(binary::daemonset());
    // Nobody listens there: discard (RFC 863).
    command.env("GPUNODE_IMDS_ENDPOINT", "http://127.0.0.1:9");
    finish(command.args(["--kubeconfig", text(kubeconfig), "--json"]).args(words))
}

fn look(node: &Node, more: &[&str]) -> Run {
    let root = text(node.machine.tree.path());
    let words = ["--root", root, "--node-name", &node.reporter.node, "--once"];
    run(&node.reporter.kubeconfig, &[&words, more].concat())
}

/// A kubeconfig of the user who may do everything.
fn admin(cluster: &Cluster) -> PathBuf {
    cluster.kubectl(&["get", "--raw", "/readyz"]).unwrap();
    cluster.folder().join("admin.kubeconfig")
}

/// What of ours is on a node: conditions, labels, taints, reasons of events.
fn ours(node: &Node) -> Vec<String> {
    let object = node.object();
    let named = |list: &Value, key: &str| -> Vec<String> {
        let all = list.as_array().into_iter().flatten();
        all.map(|it| it[key].as_str().unwrap().to_owned()).collect()
    };
    let mut found = named(&object["status"]["conditions"], "type");
    found.retain(|kind| OURS.contains(&kind.as_str()));
    let labels = object["metadata"]["labels"].as_object().unwrap().keys().cloned();
    let taints = named(&object["spec"]["taints"], "key");
    found.extend(labels.chain(taints).filter(|name| name.starts_with("gpunode.io/")));
    found.extend(node.events().into_iter().map(|(reason, _)| format!("event {reason}")));
    found
}

#[test]
fn a_dry_run_prints_what_it_would_send_and_once_sends_it() {
    let cluster = cluster("base");
    let node = Node::new(&cluster, "node-a");
    let printed = look(&node, &["--dry-run"]);
    // Nobody tells of the boot, which is no reason to be unwell; libfabric is not installed.
    assert_eq!(printed.code, 0, "{printed:?}");
    assert!(ours(&node).is_empty(), "{:?}", ours(&node));
    let asked = || cluster.audit().unwrap().of_node("node-a").count();
    assert_eq!(asked(), 0, "a dry run asks and tells the API server nothing");

    // What is printed can be sent: kubectl reads it, and the API server knows every field.
    let file = cluster.folder().join("printed.yaml");
    std::fs::write(&file, &printed.stdout).unwrap();
    let documents = gpunode_tests::manifests::objects(&printed.stdout).unwrap();
    let conditions = documents.iter().find(|it| it["status"]["conditions"].is_array());
    let conditions = conditions.unwrap_or_else(|| panic!("no conditions in {}", printed.stdout));
    assert_eq!(conditions["status"]["conditions"].as_array().unwrap().len(), 4, "{conditions}");
    let path =
        "/api/v1/nodes/node-a/status?fieldManager=somebody&dryRun=All&force=true&fieldValidation=Strict";
    cluster.admin().unwrap().patch(path, patch::APPLY, conditions).unwrap().granted("the printed").unwrap();

    assert_eq!(look(&node, &[]).code, 0);
    assert_eq!(node.condition("GPUHealthy").0, "True", "a look that is not to be proven by time");
    assert_eq!(node.condition("EFAHealthy").0, "True");
    assert_eq!(node.label("gpu.count").as_deref(), Some("8"));
    node.machine.play("gpu-unreachable");
    let looked = look(&node, &[]);
    assert_eq!(looked.code, 2, "there are errors");
    let lines = looked.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let named: Vec<_> = lines.filter(|line| line["code"] == "GpuUnreachable").collect();
    let [named] = &named[..] else { panic!("{named:?} in {looked:?}") };
    assert_eq!((named["node"].as_str(), named["severity"].as_str()), (Some("node-a"), Some("error")));
    let (subject, said) = (named["subject"].as_str().unwrap(), named["message"].as_str().unwrap());
    assert!(subject.starts_with("GPU 3 (") && said.starts_with("found: GpuUnreachable (GPU 3 ("), "{named}");
    assert_eq!(node.condition("GPUHealthy"), ("False".to_owned(), "GpuUnreachable".to_owned()));
    node.until_told("GpuUnreachable");
}

#[test]
fn cleanup_takes_away_what_is_ours_and_nothing_else() {
    let cluster = cluster("overlays/all");
    let (one, other) = (Node::new(&cluster, "node-a"), Node::new(&cluster, "node-b"));
    let untouched = Node::new(&cluster, "node-c");
    let before = [&one, &other].map(of_others);
    let programs = [&one, &other].map(|node| {
        node.machine.play("gpu-unreachable");
        let program = node.start(&["--taint", "--eks-repair"]);
        node.until("AcceleratedHardwareReady", "False", "");
        node.until_told("GpuUnreachable");
        node.wait("label and taint", |node| {
            node.label("gpu-3").is_some() && ours(node).iter().any(|it| it == "gpunode.io/unhealthy")
        });
        program
    });
    for program in programs {
        end(program);
    }
    let left = untouched.object();
    let admin = admin(&cluster);
    let root = text(one.machine.tree.path());
    let done = run(&admin, &["cleanup", "--node-name", "node-a", "--root", root]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(ours(&one), [""; 0]);
    assert!(!one.state().exists(), "what was published is not so any more");
    assert!(ours(&other).len() > 10, "another node is left alone: {:?}", ours(&other));
    assert_eq!(run(&admin, &["cleanup", "--node-name", "node-a", "--root", root]).code, 0, "and again");

    let done = run(&admin, &["cleanup", "--all-nodes"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(ours(&other), [""; 0]);
    assert_eq!([&one, &other].map(of_others), before);
    assert_eq!(untouched.object(), left, "a node that has nothing of ours is not written to");

    // Its own account may not delete events, and it says what is still there.
    let refused = run(&one.reporter.kubeconfig, &["cleanup", "--node-name", "node-a", "--root", root]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.stderr.contains("events"), "{refused:?}");
}

/// All that others have written on the node, when nothing of ours is on it.
fn of_others(node: &Node) -> Value {
    let mut object = node.object();
    for moved in ["managedFields", "resourceVersion", "generation"] {
        object["metadata"].as_object_mut().unwrap().remove(moved);
    }
    json!([object["metadata"], object["spec"], object["status"]])
}
