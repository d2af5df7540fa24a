//! What a reporter may not do, each attempt a real request with the token of the pod on one node; and nothing is changed.
#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "what helps a test is a test")]

mod attempts;

use attempts::{Attempt, EVENTS, Pod, condition, judge, labels, node};
use gpunode_tests::kube::{Cluster, event, patch};
use serde_json::json;

#[test]
fn a_reporter_changes_nothing_else() {
    let cluster = Cluster::start().unwrap();
    cluster.deploy("base").unwrap();
    let pod = Pod { client: cluster.reporter_client("node-a").unwrap(), node: "node-a" };
    cluster.node("node-b").unwrap();
    let admin = cluster.admin().unwrap();
    let read = |name: &str| admin.get(&format!("/api/v1/nodes/{name}")).unwrap().body;
    let before = ["node-a", "node-b"].map(read);

    judge(of_another_node(&pod));
    judge(of_its_own_node(&pod));
    judge(of_its_own_status(&pod));
    judge(by_other_ways(&pod));
    judge(of_events(&cluster, &pod));
    judge(elsewhere(&pod));
    judge(without_a_node(&cluster));

    assert_eq!(["node-a", "node-b"].map(read), before, "nothing was changed");
}

fn of_another_node(pod: &Pod) -> Vec<Attempt> {
    let other = Pod { client: pod.client.clone(), node: "node-b" };
    let missing = Pod { client: pod.client.clone(), node: "node-c" };
    let denied = Some("may not write node node-b");
    vec![
        other.apply("another node's condition", "/status", &condition("GPUHealthy"), denied),
        other.apply("another node's labels", "", &labels(json!({"gpunode.io/gpu.count": "0"})), denied),
        missing.apply(
            "a node that is not there",
            "",
            &node(json!({"metadata": {"name": "node-c", "labels": {"gpunode.io/x": "y"}}})),
            Some("forbidden"),
        ),
    ]
}

fn of_its_own_node(pod: &Pod) -> Vec<Attempt> {
    let label = Some("may only change labels below gpunode.io/");
    let meta = Some("may not change annotations, owners, finalizers");
    let spec = Some("may not change a node's spec");
    let owner = json!([{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "x"}]);
    let taints = json!([{"key": "gpunode.io/unhealthy", "value": "GPUHealthy", "effect": "NoSchedule"}]);
    vec![
        pod.apply("a new label", "", &labels(json!({"x": "y"})), label),
        pod.apply("somebody's label", "", &labels(json!({"team": "b"})), label),
        pod.apply("a label of Kubernetes", "", &labels(json!({"kubernetes.io/hostname": "x"})), label),
        pod.apply("a label like ours", "", &labels(json!({"gpunode.io.example/x": "y"})), label),
        pod.apply("an annotation", "", &node(json!({"metadata": {"annotations": {"a": "b"}}})), meta),
        pod.apply(
            "somebody's annotation",
            "",
            &node(json!({"metadata": {"annotations": {"note": "b"}}})),
            meta,
        ),
        pod.apply("an owner", "", &node(json!({"metadata": {"ownerReferences": owner}})), meta),
        pod.apply("a finalizer", "", &node(json!({"metadata": {"finalizers": ["a.example/b"]}})), meta),
        pod.apply("cordon", "", &node(json!({"spec": {"unschedulable": true}})), spec),
        pod.apply(
            "the taint, where taints are off",
            "",
            &node(json!({"spec": {"taints": taints}})),
            Some("taints"),
        ),
        pod.apply("all taints gone", "", &node(json!({"spec": {"taints": []}})), Some("taints")),
    ]
}

fn of_its_own_status(pod: &Pod) -> Vec<Attempt> {
    let conditions = Some("may only change these conditions");
    let status = Some("may only change conditions in a node's status");
    let label = Some("may only change labels below gpunode.io/");
    vec![
        pod.apply("the kubelet's condition", "/status", &condition("Ready"), conditions),
        pod.apply("another agent's condition", "/status", &condition("KernelDeadlock"), conditions),
        pod.apply("a new condition", "/status", &condition("Whatever"), conditions),
        pod.apply(
            "EKS's, where repair is off",
            "/status",
            &condition("AcceleratedHardwareReady"),
            conditions,
        ),
        pod.apply(
            "capacity",
            "/status",
            &node(json!({"status": {"capacity": {"nvidia.com/gpu": "0"}}})),
            status,
        ),
        pod.apply(
            "what can be had",
            "/status",
            &node(json!({"status": {"allocatable": {"cpu": "1"}}})),
            status,
        ),
        pod.apply("a label by way of the status", "/status", &labels(json!({"team": "b"})), label),
    ]
}

fn by_other_ways(pod: &Pod) -> Vec<Attempt> {
    let forced = Some("writes by server-side apply");
    let remove = json!([{"op": "remove", "path": "/metadata/labels/team"}]);
    let path = pod.path("?fieldManager=kubelet&force=true");
    let status = pod.path("/status?fieldManager=kubelet&force=true");
    vec![
        pod.patch(
            "merge: our own label",
            patch::MERGE,
            "",
            &json!({"metadata": {"labels": {"gpunode.io/x": "y"}}}),
            forced,
        ),
        pod.patch(
            "merge: a label gone",
            patch::MERGE,
            "",
            &json!({"metadata": {"labels": {"team": null}}}),
            Some("may only change labels"),
        ),
        pod.patch(
            "merge: all labels gone",
            patch::MERGE,
            "",
            &json!({"metadata": {"labels": null}}),
            Some("may only change labels"),
        ),
        pod.patch(
            "merge: all conditions gone",
            patch::MERGE,
            "/status",
            &json!({"status": {"conditions": []}}),
            Some("may only change these conditions"),
        ),
        pod.patch(
            "merge: nobody owns anything",
            patch::MERGE,
            "",
            &json!({"metadata": {"managedFields": [{}]}}),
            Some("may not take from others"),
        ),
        pod.patch("JSON patch", patch::JSON, "", &remove, Some("may only change labels")),
        pod.patch(
            "strategic: cordon",
            patch::STRATEGIC,
            "",
            &json!({"spec": {"unschedulable": true}}),
            forced,
        ),
        Attempt {
            what: "as another manager",
            answer: pod.client.patch(&path, patch::APPLY, &labels(json!({"gpunode.io/x": "y"}))).unwrap(),
            refused: Some("field manager is gpunode-daemonset"),
        },
        Attempt {
            what: "as the kubelet, whose conditions would go",
            answer: pod.client.patch(&status, patch::APPLY, &condition("GPUHealthy")).unwrap(),
            refused: Some("field manager is gpunode-daemonset"),
        },
        pod.send(
            "replace",
            "PUT",
            &pod.path(""),
            Some(&node(json!({"metadata": {"name": "node-a"}}))),
            Some("cannot update"),
        ),
        pod.send("delete", "DELETE", &pod.path(""), None, Some("cannot delete")),
        pod.send("read", "GET", &pod.path(""), None, Some("cannot get")),
        pod.send("list", "GET", "/api/v1/nodes", None, Some("cannot list")),
        pod.send(
            "create",
            "POST",
            "/api/v1/nodes",
            Some(&node(json!({"metadata": {"name": "x"}}))),
            Some("cannot create"),
        ),
    ]
}

fn of_events(cluster: &Cluster, pod: &Pod) -> Vec<Attempt> {
    let admin = cluster.admin().unwrap();
    admin.create(EVENTS, &event("node-b", "theirs")).unwrap().granted("an event of another node").unwrap();
    let node = Some("may only tell events about that node");
    let mut foreign = event("node-a", "e2");
    foreign["reportingController"] = "kubelet".into();
    let mut about_pod = event("node-a", "e3");
    about_pod["regarding"]["kind"] = "Pod".into();
    let elsewhere = "/apis/events.k8s.io/v1/namespaces/kube-system/events";
    let series = json!({"series": {"count": 9, "lastObservedTime": "2026-11-21T00:00:01.000000Z"}});
    vec![
        pod.send("about another node", "POST", EVENTS, Some(&event("node-b", "e1")), node),
        pod.send(
            "as the kubelet",
            "POST",
            EVENTS,
            Some(&foreign),
            Some("are reported by gpunode.io/daemonset"),
        ),
        pod.send("about a pod", "POST", EVENTS, Some(&about_pod), node),
        pod.send(
            "in another namespace",
            "POST",
            elsewhere,
            Some(&event("node-a", "e4")),
            Some("cannot create"),
        ),
        Attempt {
            what: "another node's event",
            answer: pod.client.patch(&format!("{EVENTS}/theirs"), patch::MERGE, &series).unwrap(),
            refused: node,
        },
        pod.send("delete an event", "DELETE", &format!("{EVENTS}/theirs"), None, Some("cannot delete")),
        pod.send("list events", "GET", EVENTS, None, Some("cannot list")),
    ]
}

fn elsewhere(pod: &Pod) -> Vec<Attempt> {
    let own = "/api/v1/namespaces/gpunode-system";
    let token = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    vec![
        pod.send("secrets", "GET", &format!("{own}/secrets"), None, Some("cannot list")),
        pod.send("pods", "GET", "/api/v1/pods", None, Some("cannot list")),
        pod.send("config maps", "GET", &format!("{own}/configmaps"), None, Some("cannot list")),
        pod.send(
            "another token",
            "POST",
            &format!("{own}/serviceaccounts/gpunode-daemonset/token"),
            Some(&token),
            Some("cannot create"),
        ),
        pod.send(
            "the policy itself",
            "DELETE",
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/gpunode-daemonset-node",
            None,
            Some("cannot delete"),
        ),
        pod.send("leases", "GET", "/apis/coordination.k8s.io/v1/leases", None, Some("cannot list")),
    ]
}

fn without_a_node(cluster: &Cluster) -> Vec<Attempt> {
    let client = cluster.client(&cluster.token(None).unwrap()).unwrap();
    let pod = Pod { client, node: "node-a" };
    let bound = Some("the token is not bound to a pod on a node");
    vec![
        pod.apply("a token of no pod", "/status", &condition("GPUHealthy"), bound),
        pod.send("its event", "POST", EVENTS, Some(&event("node-a", "e5")), bound),
    ]
}
