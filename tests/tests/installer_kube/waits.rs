//! `verify --wait` and `gpu verify --wait`: they look again until all is well, or until the time is up.

use std::process::Child;
use std::time::{Duration, Instant};

use gpunode_tests::aws::Told;
use gpunode_tests::kube::EKS_USER;
use serde_json::Value;

use crate::hardware::{has, namespace, of_group, wanted};
use crate::inside::{Inside, one_at_a_time};
use crate::node::{NODES, node, watched};

/// Requests of this kind that the API server has answered so far.
fn looks(inside: &Inside, resource: &str, name: &str) -> usize {
    let audit = inside.cluster.audit().unwrap().0;
    let ours = audit.iter().filter(|it| it.user == EKS_USER && it.resource == resource && it.name == name);
    ours.filter(|it| ["get", "list"].contains(&it.verb.as_str())).count()
}

/// Waits until `child` has looked since there were `before` looks; it must not have ended.
fn looked(inside: &Inside, child: &mut Child, (resource, name): (&str, &str), before: usize) {
    let since = Instant::now();
    while looks(inside, resource, name) <= before {
        assert!(child.try_wait().unwrap().is_none(), "it does not wait");
        assert!(since.elapsed() < Duration::from_secs(60), "it does not look");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn ended(child: Child) -> Told {
    child.wait_with_output().unwrap().into()
}

#[test]
fn what_becomes_right_is_waited_for_and_the_end_comes_with_what_is_wrong() {
    let _turn = one_at_a_time();
    let inside = Inside::new(603);
    namespace(&inside, "doctor");
    wanted(&inside);
    let gpu = |wait: &str| inside.start(&["gpu", "verify", "--no-pods", "--json", "--wait", wait], &[]);

    // The node joins with an interface too few, and gets it while somebody waits.
    let mut before = looks(&inside, "nodes", "");
    let mut child = gpu("20");
    looked(&inside, &mut child, ("nodes", ""), before);
    node(&inside, "gpu-late", |node| {
        of_group(node);
        node["status"]["allocatable"]["vpc.amazonaws.com/efa"] = "15".into();
    });
    watched(&inside, "gpu-late");
    before = looks(&inside, "nodes", "");
    looked(&inside, &mut child, ("nodes", ""), before);
    let path = format!("{NODES}/gpu-late");
    inside.patch(&path, &serde_json::json!([{ "op": "remove", "path": "/spec/taints" }]));
    let mut status = inside.get(&path)["status"].clone();
    status["allocatable"]["vpc.amazonaws.com/efa"] = "16".into();
    inside.says(&path, &status);
    let told = ended(child);
    assert_eq!(told.code, Some(0), "{told:?}");
    has(&told, "ok", "1 of 1 nodes have joined");

    // Both come to their end with the same minute: what is still wrong is told, and what was and is not is not.
    let told = inside.run(&["apply", "--yes"], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    for name in ["aws-load-balancer-controller", "cluster-autoscaler"] {
        inside.runs(name);
    }
    status["allocatable"]["nvidia.com/gpu"] = "7".into();
    inside.says(&path, &status);
    let server = ("deployments", "metrics-server");
    before = looks(&inside, server.0, server.1);
    let (late, mut all) = (gpu("1"), inside.start(&["verify", "--json", "--wait", "1"], &[]));
    looked(&inside, &mut all, server, before);
    inside.runs("metrics-server");
    let (late, all) = (ended(late), ended(all));
    assert_eq!((late.code, all.code), (Some(3), Some(3)), "{late:?}\n{all:?}");
    has(&late, "error", "offers 7 of 8 nvidia.com/gpu");
    // Nobody serves metrics here, which the API server finds out by itself.
    let wrong: Vec<_> = all.json()["wrong"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
    assert_eq!(wrong, [Value::from("kubernetes/APIService/v1beta1.metrics.k8s.io")], "{all:?}");

    inside.delete(&path);
    inside.delete("/api/v1/namespaces/doctor/pods/gpu-late");
    assert_eq!(inside.run(&["destroy", "--yes"], &[]).code, Some(0));
}
