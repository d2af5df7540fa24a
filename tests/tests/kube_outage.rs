//! The API server is away, slow or refuses: the newest truth arrives afterwards, and what came and went is told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

use std::time::Duration;

use gpunode_tests::binary;
use gpunode_tests::kube::Cluster;
use gpunode_tests::kube::daemonset::{Node, end};
use gpunode_tests::kube::proxy::{Fault, Proxy};

fn start() -> (Cluster, Proxy, Node) {
    let cluster = Cluster::start().unwrap();
    cluster.deploy("base").unwrap();
    let proxy = Proxy::start(&cluster).unwrap();
    let node = Node::new(&cluster, "node-a");
    node.through(&cluster, &proxy.url());
    (cluster, proxy, node)
}

#[test]
fn what_came_and_went_while_it_was_away_is_told_when_it_is_back() {
    let (_cluster, mut proxy, node) = start();
    let program = node.start(&[]);
    // Each area is told as soon as it is known, and no two at the same moment.
    node.until("GPUHealthy", "True", "");
    node.until("EFAHealthy", "True", "");
    proxy.down();
    node.machine.play("gpu-unreachable");
    node.until_logged("found: GpuUnreachable ");
    node.machine.play("healthy-p5");
    node.until_logged("over: GpuUnreachable ");
    node.machine.tree.efa(7).set_counter("no_completion_cmds", 1).unwrap();
    node.until_logged("found: EfaAdminTimeout ");
    assert_eq!(node.condition("EFAHealthy").0, "True", "nobody can write");
    proxy.up().unwrap();
    node.until("EFAHealthy", "False", "EfaAdminTimeout");
    node.until("GPUHealthy", "True", "");
    for reason in ["GpuUnreachable", "GpuUnreachableCleared", "EfaAdminTimeout"] {
        node.until_told(reason);
    }
    end(program);
}

#[test]
fn every_way_to_refuse_is_outlived() {
    let (cluster, proxy, node) = start();
    let program = node.start(&[]);
    node.until("EFAHealthy", "True", "");
    let mut ways = vec![
        Fault::Answer(409, None),
        Fault::Answer(429, Some(1)),
        Fault::Answer(500, None),
        Fault::Close,
        Fault::LoseAnswer,
    ];
    if binary::thorough() {
        // What is forbidden is tried again after five minutes only: it needs a person.
        ways.push(Fault::Answer(403, None));
    }
    for (at, way) in ways.iter().enumerate() {
        proxy.next(2, way);
        let efa = node.machine.tree.efa(at);
        efa.set_counter("no_completion_cmds", 1).unwrap();
        node.wait_within(Duration::from_secs(480), &format!("card {at} after {way:?}"), |node| {
            // Without the metadata service nobody knows its card.
            node.label(&format!("efa-{}", efa.name())).is_some() && node.condition("EFAHealthy").0 == "False"
        });
        proxy.heal();
    }
    proxy.slow(Duration::from_secs(2));
    proxy.renew_certificate(&cluster).unwrap();
    let efa = node.machine.tree.efa(30);
    efa.set_counter("no_completion_cmds", 1).unwrap();
    let label = format!("efa-{}", efa.name());
    node.wait("through a slow server with another certificate", |node| node.label(&label).is_some());
    end(program);
}

#[test]
fn a_token_that_is_refused_is_read_again() {
    let (cluster, _proxy, node) = start();
    let program = node.start(&["--heartbeat", "10"]);
    node.until("EFAHealthy", "True", "");
    cluster.replace_pod(&node.reporter).unwrap();
    // The old token is refused from now on, or in ten seconds at the latest.
    let refused = || cluster.audit().unwrap().0.iter().any(|request| request.code == 401);
    node.wait("a refusal", |_| refused());
    cluster.renew_token(&node.reporter).unwrap();
    node.machine.tree.efa(3).set_counter("no_completion_cmds", 1).unwrap();
    node.until("EFAHealthy", "False", "EfaAdminTimeout");
    end(program);
}
