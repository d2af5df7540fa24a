//! Programs that end, nodes that are deleted, two at once: no false `True`, and nothing is told twice.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

use gpunode_tests::kube::Cluster;
use gpunode_tests::kube::daemonset::{Node, end};
use serde_json::Value;

fn start() -> (Cluster, Node) {
    let cluster = Cluster::start().unwrap();
    cluster.deploy("base").unwrap();
    let node = Node::new(&cluster, "node-a");
    (cluster, node)
}

fn status_of(event: &Value, kind: &str) -> Option<String> {
    let all = event["object"]["status"]["conditions"].as_array()?;
    let found = all.iter().find(|condition| condition["type"] == kind)?;
    found["status"].as_str().map(str::to_owned)
}

#[test]
fn a_sick_node_stays_sick_over_a_kill_and_a_second_pod() {
    let (cluster, node) = start();
    let first = node.start(&["--heartbeat", "10"]);
    node.until("EFAHealthy", "True", "");
    node.machine.tree.efa(5).set_counter("no_completion_cmds", 1).unwrap();
    node.until("EFAHealthy", "False", "EfaAdminTimeout");
    node.until_told("EfaAdminTimeout");
    let since = |node: &Node| {
        let object = node.object();
        let all = object["status"]["conditions"].as_array().unwrap().clone();
        all.into_iter().find(|it| it["type"] == "EFAHealthy").unwrap()["lastTransitionTime"].clone()
    };
    let began = since(&node);
    let (sender, seen) = std::sync::mpsc::channel();
    let watch = cluster.admin().unwrap().watch("/api/v1/nodes").unwrap();
    std::thread::spawn(move || {
        let ours = watch.filter(|event| event["object"]["metadata"]["name"] == "node-a");
        ours.for_each(|event| drop(sender.send(status_of(&event, "EFAHealthy"))));
    });
    let second = node.start(&["--heartbeat", "10"]);
    // Dropping kills it with SIGKILL; the second one goes on.
    drop(first);
    let heartbeat = |node: &Node| {
        let object = node.object();
        let all = object["status"]["conditions"].as_array().unwrap().clone();
        all.into_iter().find(|it| it["type"] == "EFAHealthy").unwrap()["lastHeartbeatTime"].clone()
    };
    let beaten = heartbeat(&node);
    node.wait("the second one's heartbeat", |node| heartbeat(node) != beaten);
    assert_eq!(since(&node), began, "the status has not changed");
    let seen: Vec<_> = seen.try_iter().flatten().collect();
    assert!(!seen.is_empty() && seen.iter().all(|status| status == "False"), "{seen:?}");
    let told: Vec<_> = node.events().into_iter().filter(|(reason, _)| reason == "EfaAdminTimeout").collect();
    assert_eq!(told, [("EfaAdminTimeout".to_owned(), 1)], "not told again");
    end(second);
}

#[test]
fn a_node_that_is_created_anew_gets_all_of_it_again() {
    let (cluster, node) = start();
    let program = node.start(&["--heartbeat", "10"]);
    node.until("EFAHealthy", "True", "");
    node.machine.tree.efa(5).set_counter("no_completion_cmds", 1).unwrap();
    node.until("EFAHealthy", "False", "EfaAdminTimeout");
    cluster.admin().unwrap().delete("/api/v1/nodes/node-a").unwrap().granted("delete").unwrap();
    cluster.node("node-a").unwrap();
    // Its token names the node, and the API server still takes it.
    node.until("EFAHealthy", "False", "EfaAdminTimeout");
    let label = format!("efa-{}", node.machine.tree.efa(5).name());
    node.wait("the labels", |node| node.label(&label).is_some() && node.label("gpu.count").is_some());
    end(program);
}
