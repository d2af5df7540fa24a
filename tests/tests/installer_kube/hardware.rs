//! `installer gpu verify`: its pods are real objects; a node's kubelet is played.

use std::process::Child;
use std::time::{Duration, Instant};

use gpunode_tests::aws::Told;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::inside::{Inside, one_at_a_time};
use crate::joined::self_managed;
use crate::node::{NODES, node, watched};
use crate::scripts::counts;

const PODS: &str = "/api/v1/namespaces/hardware/pods";
pub(crate) const WORDS: [&str; 6] = ["gpu", "verify", "--yes", "--json", "--namespace", "hardware"];

/// Pods that the installer made.
pub(crate) fn pods(inside: &Inside) -> Vec<Value> {
    let list = inside.get(&format!("{PODS}?labelSelector=app.kubernetes.io%2Fname%3Dgpunode-verify"));
    list["items"].as_array().unwrap().clone()
}

/// What a kubelet says of a pod that ran: its exit code and message.
pub(crate) fn ended(inside: &Inside, pod: &Value, code: i32, message: &str) {
    let image = pod["spec"]["containers"][0]["image"].clone();
    let state = json!({ "terminated": { "exitCode": code, "message": message, "reason": if code == 0 { "Completed" } else { "Error" } } });
    let container = json!({ "name": "it", "image": image, "imageID": "", "ready": false, "restartCount": 0, "state": state });
    let phase = if code == 0 { "Succeeded" } else { "Failed" };
    let path = format!("{PODS}/{}", pod["metadata"]["name"].as_str().unwrap());
    inside.says(&path, &json!({ "phase": phase, "containerStatuses": [container] }));
}

/// Plays the kubelet until `child` ends: what it says of each kind of pod, once.
pub(crate) fn played(inside: &Inside, mut child: Child, says: &[(&str, i32, &str)]) -> Told {
    let (since, mut done) = (Instant::now(), Vec::new());
    while child.try_wait().unwrap().is_none() {
        assert!(since.elapsed() < Duration::from_secs(120), "it comes to no end");
        for pod in pods(inside) {
            let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
            let said = says.iter().find(|(kind, ..)| name.contains(kind));
            if let Some((_, code, message)) = said.filter(|_| !done.contains(&name)) {
                ended(inside, &pod, *code, message);
                done.push(name);
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.wait_with_output().unwrap().into()
}

pub(crate) fn has(told: &Told, level: &str, what: &str) {
    let document = told.json();
    let rows = document["findings"].as_array().unwrap();
    let found = rows.iter().any(|row| row["level"] == level && row["what"].as_str().unwrap().contains(what));
    assert!(found, "{level} {what}: {told:#?}");
}

/// Starts it and waits until both pods are there.
pub(crate) fn started(inside: &Inside, variables: &[(&str, &str)]) -> Child {
    let mut child = inside.start(&WORDS, variables);
    let since = Instant::now();
    while pods(inside).len() < 2 {
        assert!(
            child.try_wait().unwrap().is_none() && since.elapsed() < Duration::from_secs(60),
            "it makes no pods"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    child
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
}

/// A namespace with the account that pods have where they name none; it stays.
pub(crate) fn namespace(inside: &Inside, name: &str) {
    let path = format!("/api/v1/namespaces/{name}");
    if !inside.has(&path) {
        let space = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        inside.create("/api/v1/namespaces", &space);
        let account =
            json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default" } });
        inside.create(&format!("{path}/serviceaccounts"), &account);
    }
}

/// A managed node group that wants one node.
pub(crate) fn wanted(inside: &Inside) {
    let role = format!("arn:aws:iam::{}:role/node", inside.bed.account());
    inside.bed.calls(
        &json!([["eks", "create_nodegroup", { "clusterName": "research", "nodegroupName": "gpu-compute",
        "subnets": ["subnet-0123456789abcdef0"], "nodeRole": role,
        "scalingConfig": { "minSize": 0, "maxSize": 2, "desiredSize": 1 } }]]),
    );
}

/// Makes a node one of that group.
pub(crate) fn of_group(node: &mut Value) {
    node["metadata"]["labels"]["eks.amazonaws.com/nodegroup"] = "gpu-compute".into();
}

pub(crate) const GOOD: [(&str, i32, &str); 2] =
    [("-gpu-", 0, "GPU 0: NVIDIA H200\n"), ("-efa-", 0, "    domain: rdmap79s0-rdm\n")];

#[test]
fn pods_say_whether_they_get_the_hardware_and_are_always_removed() {
    let _turn = one_at_a_time();
    let inside = Inside::new(341);
    namespace(&inside, "hardware");
    let run = |more: &[&str], says: &[(&str, i32, &str)]| {
        let told = played(&inside, inside.start(&[&WORDS, more].concat(), &[]), says);
        assert_eq!(pods(&inside), Vec::<Value>::new(), "{told:?}");
        told
    };
    let told = run(&[], &[]);
    assert_eq!(told.code, Some(5), "{told:?}");
    has(&told, "unknown", "no node group of these settings wants a node");

    wanted(&inside);
    let told = run(&[], &[]);
    assert_eq!(told.code, Some(3), "{told:?}");
    has(&told, "error", "0 of 1 nodes have joined");

    node(&inside, "gpu-new", of_group);
    let told = run(&[], &[]);
    has(&told, "error", "no node has a pod of it");
    has(&told, "unknown", "no pod was run: no node of it is Ready and takes pods");
    // The API server gives every new node a taint, which the node's controller takes away once it is Ready.
    inside.patch(&format!("{NODES}/gpu-new"), &json!([{ "op": "remove", "path": "/spec/taints" }]));
    namespace(&inside, "doctor");
    watched(&inside, "gpu-new");
    let before = inside.bed.audit().len();
    let told = run(&[], &GOOD);
    assert_eq!(told.code, Some(0), "{told:?}");
    has(&told, "ok", "1 of 1 nodes have joined");
    has(&told, "ok", "nvidia-smi -L with 8 nvidia.com/gpu: GPU 0: NVIDIA H200");
    has(&told, "ok", "fi_info -p efa with 16 vpc.amazonaws.com/efa: domain: rdmap79s0-rdm");
    assert_eq!((told.json()["calls"]["mutating"].as_u64(), inside.bed.audit().len() - before), (Some(4), 8));

    let broken = [("-gpu-", 1, "Unable to determine the device handle for GPU7"), GOOD[1]];
    let told = run(&[], &broken);
    assert_eq!(told.code, Some(3), "{told:?}");
    has(&told, "error", "exit code 1: Error: Unable to determine the device handle for GPU7");
    let told = run(&["--pod-timeout", "1"], &[GOOD[0]]);
    assert_eq!(told.code, Some(5), "{told:?}");
    has(&told, "unknown", "fi_info -p efa with 16 vpc.amazonaws.com/efa did not start within 1 s");

    cut_off(&inside, &run);
    taken(&inside, &run);
    self_managed(&inside);
    for path in [format!("{NODES}/gpu-new"), "/api/v1/namespaces/doctor/pods/gpu-new".to_owned()] {
        inside.delete(&path);
    }
}

/// Ctrl-C, and a kill that leaves nobody to remove anything.
fn cut_off(inside: &Inside, run: &impl Fn(&[&str], &[(&str, i32, &str)]) -> Told) {
    for ends in [Signal::SIGINT, Signal::SIGTERM] {
        let child = started(inside, &[]);
        signal(&child, ends);
        let told: Told = child.wait_with_output().unwrap().into();
        assert_eq!((told.code, pods(inside).len()), (Some(5), 0), "{told:?}");
        has(&told, "unknown", "nvidia-smi -L: interrupted");
    }
    let mut child = started(inside, &[]);
    for pod in pods(inside) {
        counts(inside, &pod);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Its kubelet ends them, and the next run removes them.
    for pod in pods(inside) {
        assert_eq!(pod["spec"]["activeDeadlineSeconds"], 900);
        ended(inside, &pod, 0, "");
    }
    assert_eq!(run(&[], &GOOD).code, Some(0));
}

/// Somebody's pod has the GPUs.
fn taken(inside: &Inside, run: &impl Fn(&[&str], &[(&str, i32, &str)]) -> Told) {
    let limits = json!({ "nvidia.com/gpu": "8", "vpc.amazonaws.com/efa": "4" });
    let job = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "job" }, "spec": { "nodeName": "gpu-new",
        "containers": [{ "name": "it", "image": "none.invalid/none", "resources": { "limits": limits } }] } });
    inside.create(PODS, &job);
    let told = run(&[], &GOOD);
    assert_eq!(told.code, Some(5), "{told:?}");
    has(&told, "unknown", "all 8 nvidia.com/gpu of gpu-new are taken");
    has(&told, "ok", "fi_info -p efa with 12 vpc.amazonaws.com/efa");
    inside.delete(&format!("{PODS}/job"));
}
