//! The control plane of the test bed does what the other tests rely on.

use std::time::Duration;

use gpunode_tests::kube::proxy::{Fault, Proxy};
use gpunode_tests::kube::{Cluster, Error};
use serde_json::json;

#[test]
fn a_token_says_its_node_and_the_audit_log_who_wrote() {
    let cluster = Cluster::shared().unwrap();
    cluster.namespace().unwrap();
    cluster.node("bed-token").unwrap();
    let reporter = cluster.reporter("bed-token").unwrap();
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let client = cluster.as_reporter(&reporter).unwrap();
    let answer = client.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review).unwrap();
    let user = answer.granted("review").unwrap()["status"]["userInfo"].clone();
    assert_eq!(user["username"], "system:serviceaccount:gpunode-system:gpunode-daemonset");
    assert_eq!(user["extra"]["authentication.kubernetes.io/node-name"], json!(["bed-token"]), "{user}");
    let audit = cluster.audit().unwrap();
    let request = audit.of_node("bed-token").last().unwrap();
    assert_eq!((request.verb.as_str(), request.code), ("create", 201));
    assert!(request.bytes > 0);
}

#[test]
fn a_watch_sees_a_change_as_it_comes() {
    let cluster = Cluster::shared().unwrap();
    cluster.node("bed-watch").unwrap();
    let admin = cluster.admin().unwrap();
    let mut watch = admin.watch("/api/v1/nodes?fieldSelector=metadata.name%3Dbed-watch").unwrap();
    let label = json!({"metadata": {"labels": {"seen": "yes"}}});
    admin.patch("/api/v1/nodes/bed-watch", "application/merge-patch+json", &label).unwrap();
    let event = watch.next().unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["metadata"]["labels"]["seen"]),
        (&json!("MODIFIED"), &json!("yes"))
    );
}

#[test]
fn the_proxy_fails_as_it_is_told_and_counts() {
    let cluster = Cluster::shared().unwrap();
    let mut proxy = Proxy::start(&cluster).unwrap();
    let client = cluster.admin_at(&proxy.url()).unwrap();
    let get = || client.get("/api/v1/namespaces/default");
    assert_eq!(get().unwrap().status, 200);

    proxy.next(1, &Fault::Answer(429, Some(7)));
    proxy.next(1, &Fault::Close);
    assert_eq!(get().unwrap().status, 429);
    assert!(matches!(get(), Err(Error::Request { .. })));
    assert_eq!(get().unwrap().status, 200);

    proxy.down();
    assert!(get().is_err());
    proxy.up().unwrap();
    proxy.renew_certificate(&cluster).unwrap();
    proxy.slow(Duration::from_millis(1));
    assert_eq!(get().unwrap().status, 200);

    let passed = proxy.passed();
    let statuses: Vec<_> = passed.iter().map(|one| one.status).collect();
    assert_eq!(statuses, [Some(200), Some(429), None, Some(200), Some(200)]);
    assert!(passed.iter().all(|one| one.sent > 100 && one.path == "/api/v1/namespaces/default"));
    assert!(passed[0].received > passed[1].received / 2 && passed[2].received == 0);
}

#[test]
fn several_run_at_once_and_go_when_they_are_dropped() {
    let clusters = [Cluster::start().unwrap(), Cluster::start().unwrap()];
    let [first, second] = &clusters;
    assert_ne!(first.url(), second.url());
    first.node("only-here").unwrap();
    assert_eq!(second.admin().unwrap().get("/api/v1/nodes/only-here").unwrap().status, 404);
    let (pids, folder) = (clusters.each_ref().map(Cluster::pid), first.folder().to_owned());
    drop(clusters);
    for pid in pids {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid}");
    }
    assert!(!folder.exists());
}
