//! The DaemonSet on a node with a real kubelet and a real containerd, its pod made by the cluster's own controllers: what
//! the node says of itself while kubelet, pod and container come and go.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

#[path = "kubelet/beside.rs"]
mod beside;
#[path = "kubelet/rights.rs"]
mod rights;

use beside::{OURS, beside_the_kubelet};
use gpunode_tests::container::status;
use gpunode_tests::kube::History;
use gpunode_tests::kubelet::{Joined, Running};
use gpunode_tests::looked::Machine;
use nix::sys::signal::Signal;

#[test]
fn the_pod_is_what_the_manifest_asks_for_and_two_owners_keep_their_conditions() {
    let mut node = Joined::start();
    let running = node.until_ready();
    assert_eq!(probes_that_failed(&node), [""; 0], "it was not asked before it could answer");
    for kind in OURS {
        node.node.until(kind, "True", "");
    }
    node.node.wait("labels", |node| node.label("gpu.count").as_deref() == Some("8"));
    rights::are_the_manifests(&node, &running);
    rights::is_within_its_memory(&node, &running);

    node.node.machine.play("gpu-unreachable");
    node.node.until("GPUHealthy", "False", "GpuUnreachable");
    node.node.machine.tree.efa(20).set_counter("no_completion_cmds", 1).unwrap();
    node.node.until("EFAHealthy", "False", "EfaAdminTimeout");
    beside_the_kubelet(&node, &["False", "False", "True"]);
    node.node.machine.play("healthy-p5");
    node.node.until("GPUHealthy", "True", "");

    let before = OURS.map(|kind| node.node.field(kind, "lastTransitionTime"));
    node.stop_kubelet();
    node.start_kubelet();
    beside_the_kubelet(&node, &["True", "False", "True"]);
    assert_eq!(OURS.map(|kind| node.node.field(kind, "lastTransitionTime")), before);
    assert_eq!(node.until_ready(), running, "the kubelet found its container again");
    let processes = running.processes().into_iter().map(|pid| format!("/proc/{pid}").into());
    let traces: Vec<_> = node.place.traces().into_iter().chain(processes).collect();
    drop(node);
    let left: Vec<_> = traces.iter().filter(|path| path.exists()).collect();
    assert!(left.is_empty(), "{left:?} of {traces:?}");
}

#[test]
fn a_pod_that_is_replaced_or_dies_or_hangs_leaves_the_truth() {
    let node = Joined::start();
    let first = node.until_ready();
    node.node.machine.tree.efa(5).set_counter("no_completion_cmds", 1).unwrap();
    node.node.until("EFAHealthy", "False", "EfaAdminTimeout");
    node.node.until_told("EfaAdminTimeout");

    let second = stays_sick(&node, "kubectl delete pod", || {
        node.cluster.kubectl(&["--namespace=gpunode-system", "delete", "pod", &first.pod]).unwrap();
        node.until_running("another pod", |it| it.pod != first.pod)
    });
    let third = stays_sick(&node, "SIGKILL", || {
        second.signal(Signal::SIGKILL);
        node.until_running("its container again", |it| it.restarts == 1)
    });
    assert_eq!(third.pod, second.pod);
    let fourth = stays_sick(&node, "SIGSTOP, until the liveness probe has had enough", || {
        third.signal(Signal::SIGSTOP);
        node.until_running("a container in place of the one that hangs", |it| it.restarts == 2)
    });
    assert_eq!(fourth.pod, second.pod);
    let ended = node.pod(&fourth, "/status/containerStatuses/0/lastState/terminated");
    println!("the one that hung: {ended}");
    assert_eq!(ended["exitCode"], 137, "ended by SIGKILL: {ended}");
    let failed = probes_that_failed(&node);
    let tells = |probe: &str| failed.iter().any(|it| it.starts_with(probe));
    assert!(tells("Liveness probe failed") && tells("Readiness probe failed"), "{failed:?}");
    stays_sick(&node, "memory beyond the limit", || {
        let run = node.inside(&fourth, "$B dd if=/dev/zero of=/dev/null bs=100M count=1");
        assert_eq!(run.code, 137, "killed: {run:?}");
        // With cgroups of version 2 the kernel ends all of the container, and it is started again.
        node.until_ready()
    });
}

/// What the kubelet's events say of probes.
fn probes_that_failed(node: &Joined) -> Vec<String> {
    let path = "/api/v1/namespaces/gpunode-system/events?fieldSelector=reason%3DUnhealthy";
    let list = node.cluster.admin().unwrap().get(path).unwrap().granted(path).unwrap();
    let events = list["items"].as_array().into_iter().flatten();
    events.filter_map(|event| event["message"].as_str().map(str::to_owned)).collect()
}

/// Lets something happen to the container, after which another one is ready and sees what was seen before: the node has been
/// sick all the time, since the same moment, and is not told so again.
fn stays_sick(node: &Joined, what: &str, change: impl FnOnce() -> Running) -> Running {
    let began = node.node.field("EFAHealthy", "lastTransitionTime");
    let seen = History::of(&node.cluster, &node.node.reporter.node, "EFAHealthy");
    let running = change();
    node.until("the finding in its metrics", || {
        node.metrics().lines().any(|line| line.starts_with("gpunode_finding{code=\"EfaAdminTimeout\""))
    });
    let mut changes = Vec::new();
    // The kubelet writes once a second, so something is seen.
    node.until("a state of the node", || {
        changes.extend(seen.changes());
        !changes.is_empty()
    });
    changes.dedup();
    println!("{what}: EFAHealthy was {changes:?}; now {} after {} restarts", running.pod, running.restarts);
    assert_eq!(changes, ["False"], "{what}");
    assert_eq!(node.node.field("EFAHealthy", "lastTransitionTime"), began, "{what}");
    let told: Vec<_> = node.node.events().into_iter().filter(|(it, _)| it == "EfaAdminTimeout").collect();
    assert_eq!(told, [("EfaAdminTimeout".to_owned(), 1)], "{what}");
    running
}

#[test]
fn while_the_kubelet_is_gone_the_conditions_are_true_and_go_on() {
    let mut node = Joined::start();
    let running = node.until_ready();
    node.node.until("GPUHealthy", "True", "");
    let seen = History::of(&node.cluster, &node.node.reporter.node, "GPUHealthy");
    node.stop_kubelet();
    node.until("the node's being taken for lost", || node.condition("Ready") == "Unknown");
    let kubelets = ["MemoryPressure", "DiskPressure", "PIDPressure"].map(|kind| node.condition(kind));
    assert_eq!(
        kubelets,
        ["Unknown"; 3].map(str::to_owned),
        "the controller's word for what the kubelet told"
    );
    assert_eq!(OURS.map(|kind| node.condition(kind)), ["True"; 3].map(str::to_owned));
    assert_eq!(seen.changes(), ["True"]);

    node.node.machine.play("gpu-unreachable");
    node.node.until("GPUHealthy", "False", "GpuUnreachable");
    assert_eq!(node.condition("Ready"), "Unknown");
    node.node.machine.play("healthy-p5");
    node.node.until("GPUHealthy", "True", "");
    node.start_kubelet();
    node.until("the node's being ready", || node.condition("Ready") == "True");
    assert_eq!(node.until_ready(), running, "nobody has ended it");
    let mut changes = seen.changes();
    println!("GPUHealthy while the kubelet was gone and came back: {changes:?}");
    // The controllers write on the node, too, before the fault.
    if changes.first().is_some_and(|first| first == "True") {
        changes.remove(0);
    }
    assert_eq!(changes, ["False", "True"]);
}

#[test]
fn before_the_agent_has_named_its_devices_the_pod_waits_and_claims_nothing() {
    let cdi = |machine: &Machine, name: &str| machine.tree.path().join("etc/cdi").join(name);
    let node = Joined::with("base", |machine| {
        std::fs::rename(cdi(machine, "gpunode.json"), cdi(machine, "not-yet")).unwrap();
    });
    let message = node.until_waiting(&["RunContainerError", "CreateContainerError", "CrashLoopBackOff"]);
    println!("without the agent's devices: {message}");
    assert_eq!(OURS.map(|kind| node.condition(kind)), [""; 3].map(str::to_owned));
    let machine = &node.node.machine;
    std::fs::rename(cdi(machine, "not-yet"), cdi(machine, "gpunode.json")).unwrap();
    let running = node.until_ready();
    println!("with them: ready after {} restarts", running.restarts);
    for kind in OURS {
        node.node.until(kind, "True", "");
    }
}

#[test]
fn the_privileged_pod_needs_no_device_of_the_agents() {
    let node = Joined::with("overlays/privileged", |machine| {
        std::fs::remove_file(machine.tree.path().join("etc/cdi/gpunode.json")).unwrap();
    });
    let running = node.until_ready();
    for kind in OURS {
        node.node.until(kind, "True", "");
    }
    rights::write_nothing_but_the_state(&node, &running);
    let all = status(std::process::id(), "CapBnd");
    assert_eq!(
        ["CapEff", "Seccomp"].map(|field| status(running.processes()[0], field)),
        [all, "0".to_owned()]
    );
    node.node.machine.play("gpu-unreachable");
    node.node.until("GPUHealthy", "False", "GpuUnreachable");
}
