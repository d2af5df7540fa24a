//! Programs that end, machines that boot, nodes that are deleted, two at once: no false `True`, and nothing is told twice.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

mod memory_group;

use gpunode_tests::agent::Started;
use gpunode_tests::health::Live;
use gpunode_tests::kube::daemonset::{Node, end};
use gpunode_tests::kube::{Cluster, History};
use memory_group::MemoryGroup;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

const HEARTBEAT: [&str; 2] = ["--heartbeat", "10"];

fn start() -> (Cluster, Node) {
    let cluster = Cluster::start().unwrap();
    cluster.deploy("base").unwrap();
    let node = Node::new(&cluster, "node-a");
    (cluster, node)
}

/// A node whose fifth EFA has a fault that is published and told.
fn sick() -> (Cluster, Node, Started) {
    let (cluster, node) = start();
    let program = node.start(&HEARTBEAT);
    node.until("EFAHealthy", "True", "");
    node.machine.tree.efa(5).set_counter("no_completion_cmds", 1).unwrap();
    node.until("EFAHealthy", "False", "EfaAdminTimeout");
    node.until_told("EfaAdminTimeout");
    (cluster, node, program)
}

/// Lets `change` happen, and what it has started give a sign of life: the node has been sick all the time, since the same
/// moment, and is not told so again.
fn stays_sick<T>(cluster: &Cluster, node: &Node, change: impl FnOnce() -> T) -> T {
    let began = node.field("EFAHealthy", "lastTransitionTime");
    let seen = History::of(cluster, "node-a", "EFAHealthy");
    let given = change();
    let beaten = node.field("EFAHealthy", "lastHeartbeatTime");
    node.wait("a heartbeat after it", |node| node.field("EFAHealthy", "lastHeartbeatTime") != beaten);
    assert_eq!(node.field("EFAHealthy", "lastTransitionTime"), began, "the status has not changed");
    assert_eq!(seen.changes(), ["False"]);
    assert_eq!(told(node, "EfaAdminTimeout"), [1], "not told again");
    given
}

/// How often each event with this reason was told.
fn told(node: &Node, reason: &str) -> Vec<u64> {
    node.events().into_iter().filter(|(it, _)| it == reason).map(|(_, count)| count).collect()
}

#[test]
fn a_sick_node_stays_sick_over_a_kill_and_a_second_pod() {
    let (cluster, node, first) = sick();
    let second = stays_sick(&cluster, &node, || {
        let second = node.start(&HEARTBEAT);
        // Dropping kills it with SIGKILL; the second one goes on.
        drop(first);
        second
    });
    end(second);
}

#[test]
fn a_sick_node_stays_sick_when_memory_runs_out() {
    let (cluster, node, first) = sick();
    let second = stays_sick(&cluster, &node, || {
        if let Some(group) = MemoryGroup::new() {
            group.choke(first.pid());
            // The page of metrics needs more than there is.
            node.wait("the kernel's kill", |node| {
                node.metrics();
                group.kills() > 0
            });
            println!("killed by the kernel: its memory cgroup was full");
        } else {
            first.signal(Signal::SIGKILL);
            println!("killed by SIGKILL: this machine lets nobody make a memory cgroup");
        }
        assert_ne!(first.finish().code, 0);
        node.start(&HEARTBEAT)
    });
    end(second);
}

#[test]
fn what_a_newer_version_has_kept_is_read_as_far_as_it_is_known() {
    let (cluster, node, first) = sick();
    let second = stays_sick(&cluster, &node, || {
        drop(first);
        let text = std::fs::read_to_string(node.state()).unwrap();
        let mut state: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(state["decided"]["conditions"][1]["type"], "EFAHealthy", "{state:#}");
        newer(&mut state);
        std::fs::write(node.state(), state.to_string()).unwrap();
        node.start(&HEARTBEAT)
    });
    end(second);
}

/// What another version may have that this one does not know.
fn newer(state: &mut Value) {
    let condition =
        json!({"type": "FanHealthy", "status": "Partly", "reason": "R", "message": "", "sinceUnixMs": 1});
    state["decided"]["conditions"].as_array_mut().unwrap().insert(0, condition);
    let finding = json!({
        "code": "FanStopped", "subject": {"kind": "fan", "blade": 3}, "source": "fans", "event": true, "message": "m",
        "lastBootMs": 1, "sinceUnixMs": 1,
    });
    state["health"]["findings"].as_array_mut().unwrap().insert(0, finding);
    for part in
        ["/decided", "/decided/conditions/1", "/health", "/health/findings/1", "/published", "/events"]
    {
        state.pointer_mut(part).unwrap()["added"] = json!({"since": 2});
    }
    state["added"] = json!([1]);
}

#[test]
fn after_a_reboot_nothing_of_the_earlier_boot_is_true() {
    let (cluster, node, first) = sick();
    let gpu = node.machine.tree.gpu(3).address().trim_end_matches(".0").to_owned();
    let line =
        format!("NVRM: Xid (PCI:{gpu}): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.");
    Live::default().say(&node.machine, &line);
    node.until("GPUHealthy", "False", "Xid79");
    node.until_told("Xid79");
    let [gpus, efa] = ["GPUHealthy", "EFAHealthy"].map(|kind| History::of(&cluster, "node-a", kind));
    drop(first);
    // The GPU is back, the card is still dead, and the state's folder has outlived the boot, as it should not.
    node.boot("the-next-boot");
    let log = node.machine.tree.path().join("dev/kmsg");
    std::fs::write(&log, "6,1,1000,-;Linux version 6.12\n").unwrap();
    let second = node.start(&HEARTBEAT);
    node.until("GPUHealthy", "True", "GpusAreHealthy");
    node.until("EFAHealthy", "False", "EfaAdminTimeout");
    let seen = gpus.changes();
    let seen: Vec<_> = seen.iter().map(String::as_str).skip_while(|status| *status == "False").collect();
    assert_eq!(seen, ["Unknown", "True"], "nobody knew before somebody looked");
    assert!(efa.changes().iter().all(|status| status != "True"), "the card was never well");
    node.wait("the label's end", |node| node.label("gpu-3").is_none());
    // What is true in this boot is an event of this boot.
    node.wait("another event", |node| told(node, "EfaAdminTimeout") == [1, 1]);
    Live::default().say(&node.machine, &line);
    node.until("GPUHealthy", "False", "Xid79");
    node.wait("another event", |node| told(node, "Xid79") == [1, 1]);
    end(second);
}

#[test]
fn a_node_that_is_created_anew_gets_all_of_it_again() {
    let (cluster, node, program) = sick();
    cluster.admin().unwrap().delete("/api/v1/nodes/node-a").unwrap().granted("delete").unwrap();
    cluster.node("node-a").unwrap();
    // Its token names the node, and the API server still takes it.
    node.until("EFAHealthy", "False", "EfaAdminTimeout");
    let label = format!("efa-{}", node.machine.tree.efa(5).name());
    node.wait("the labels", |node| node.label(&label).is_some() && node.label("gpu.count").is_some());
    end(program);
}
