//! gpunode's own DaemonSet as a component: it comes as the settings say, is kept right, and goes again.

mod looks;
mod rendered;

use serde_json::{Value, json};

use crate::inside::{Inside, one_at_a_time};
use crate::node::{NODES, node};

const IMAGE: &str = "registry.example.com/gpunode-daemonset:0.1.0";
pub(crate) const ON: [(&str, &str); 3] =
    [("INSTALL_GPUNODE_DAEMONSET", "true"), ("DAEMONSET_IMAGE", IMAGE), ("DAEMONSET_FLOW_CONTROL", "true")];
const REPAIR: (&str, &str) = ("EKS_REPAIR", "true");
const SET: &str = "/apis/apps/v1/namespaces/kube-system/daemonsets/gpunode-daemonset";
const POLICIES: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const BINDINGS: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";

fn arguments(inside: &Inside) -> Value {
    inside.get(SET)["spec"]["template"]["spec"]["containers"][0]["args"].clone()
}

fn all_ours(inside: &Inside) -> Vec<String> {
    let mut all = inside.ours();
    all.retain(|path| path.contains("gpunode"));
    all
}

#[test]
fn it_comes_with_both_sides_of_the_repair_is_kept_right_and_goes_again() {
    let _turn = one_at_a_time();
    let inside = Inside::new(800);
    let told = inside.run(&["apply", "--yes"], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    let others = inside.ours();
    let repaired = [&ON[..], &[REPAIR]].concat();
    let told = inside.run(&["apply", "--yes"], &repaired);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(all_ours(&inside).len(), 13, "{:?}", all_ours(&inside));
    inside.is_applied(&repaired);
    assert_eq!(arguments(&inside), json!(["--root=/host", "--listen=0.0.0.0:9879", "--eks-repair"]));
    is_what_is_rendered(&inside, &repaired);
    its_pods_write_their_own_node_only(&inside, "AcceleratedHardwareReady");

    // The one setting takes both sides away: who writes the conditions, and who may.
    let told = inside.run(&["plan"], &ON);
    assert!(told.out.contains("~ kubernetes/DaemonSet/kube-system/gpunode-daemonset\n"), "{told:?}");
    assert!(told.out.contains("~ kubernetes/ValidatingAdmissionPolicy/gpunode-daemonset-node\n"), "{told:?}");
    assert!(told.out.contains("0 to create, 2 to change, 0 to remove"), "{told:?}");
    assert_eq!(inside.run(&["apply", "--yes"], &ON).code, Some(0));
    assert_eq!(arguments(&inside), json!(["--root=/host", "--listen=0.0.0.0:9879"]));
    inside.is_applied(&ON);

    drift_is_repaired(&inside);

    let told = inside.run(&["apply", "--yes"], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(inside.ours(), others);
    assert!(told.out.contains("gpunode-daemonset cleanup --all-nodes"), "{told:?}");
    let order = |what: &str| told.err.find(&format!("removed: kubernetes/{what}")).expect(what);
    assert!(order("DaemonSet") < order("ClusterRoleBinding/gpunode-daemonset"), "{told:?}");
    assert!(order("DaemonSet") < order("ValidatingAdmissionPolicy/"), "{told:?}");
    assert!(order("FlowSchema") < order("PriorityLevelConfiguration"), "{told:?}");

    assert_eq!(inside.run(&["apply", "--yes"], &ON).code, Some(0));
    let told = inside.run(&["destroy", "--yes"], &ON);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("gpunode-daemonset cleanup --all-nodes"), "{told:?}");
    assert_eq!((inside.ours(), inside.bed.inventory()), (Vec::new(), inside.empty.clone()));
}

/// The API server takes what the files say, and nothing of it is another than what is there.
fn is_what_is_rendered(inside: &Inside, variables: &[(&str, &str)]) {
    let told = inside.run(&["render", "kubernetes", "--out", "rendered"], variables);
    assert_eq!(told.code, Some(0), "{told:?}");
    for name in ["gpunode-daemonset", "gpunode-daemonset-flow-control"] {
        let file = inside.bed.folder().join(format!("rendered/kubernetes/{name}.yaml"));
        let said = inside
            .cluster
            .kubectl(&[
                "diff",
                "--server-side",
                "--force-conflicts",
                "--filename",
                &file.display().to_string(),
            ])
            .unwrap();
        assert_eq!(said, "", "{name}");
    }
}

/// The account, its rights and the policies fit each other in this namespace.
fn its_pods_write_their_own_node_only(inside: &Inside, condition: &str) {
    for name in ["own", "other"] {
        node(inside, name, |_| {});
    }
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "reporter" },
        "spec": { "nodeName": "own", "serviceAccountName": "gpunode-daemonset",
            "containers": [{ "name": "it", "image": "none.invalid/none" }] } });
    inside.create("/api/v1/namespaces/kube-system/pods", &pod);
    let path = "/api/v1/namespaces/kube-system/pods/reporter";
    let uid = inside.get(path)["metadata"]["uid"].as_str().unwrap().to_owned();
    let words = ["create", "token", "gpunode-daemonset", "--namespace", "kube-system", "--bound-object-kind"];
    let bound = ["Pod", "--bound-object-name", "reporter", "--bound-object-uid", &uid];
    let token = inside.cluster.kubectl(&[&words[..], &bound].concat()).unwrap();
    let client = inside.cluster.client(token.trim()).unwrap();
    let write = |node: &str, time: usize| {
        let said =
            json!({ "type": condition, "status": "True", "reason": "Healthy", "message": time.to_string() });
        let object = json!({ "apiVersion": "v1", "kind": "Node", "status": { "conditions": [said] } });
        client.apply(&format!("{NODES}/{node}/status"), "gpunode-daemonset", &object).unwrap()
    };
    // The API server takes a new policy up a moment after it is stored.
    let since = std::time::Instant::now();
    let denied = (0..).map(|time| {
        assert!(since.elapsed().as_secs() < 120, "the policy is never in force");
        std::thread::sleep(std::time::Duration::from_millis(50));
        write("other", time)
    });
    let denied = denied.into_iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!(denied.status, 403, "{denied:?}");
    let said = denied.body["message"].as_str().unwrap();
    assert!(said.contains("a reporter on node own may not write node other"), "{said}");
    write("own", 0).granted("its own node").unwrap();
    for path in [format!("{NODES}/own"), format!("{NODES}/other"), path.to_owned()] {
        inside.delete(&path);
    }
}

fn drift_is_repaired(inside: &Inside) {
    let paths = all_ours(inside);
    let right: Vec<Value> = paths.iter().map(|path| inside.get(path)).collect();
    let args = "/spec/template/spec/containers/0/args";
    inside.patch(SET, &json!([{ "op": "add", "path": format!("{args}/-"), "value": "--eks-repair" }]));
    inside.delete(&format!("{POLICIES}/gpunode-daemonset-node"));
    inside.patch(
        &format!("{BINDINGS}/gpunode-daemonset-events"),
        &json!([{ "op": "replace", "path": "/spec/validationActions", "value": ["Audit"] }]),
    );
    // Server-side apply would leave what somebody adds to such a list.
    let never = json!({ "name": "never", "expression": "false" });
    inside.patch(
        &format!("{POLICIES}/gpunode-daemonset-events"),
        &json!([{ "op": "add", "path": "/spec/matchConditions/-", "value": never }]),
    );
    let selector = json!({ "namespaceSelector": { "matchLabels": { "no": "such" } } });
    inside.patch(
        &format!("{BINDINGS}/gpunode-daemonset-node"),
        &json!([{ "op": "add", "path": "/spec/matchResources", "value": selector }]),
    );
    let role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/gpunode-daemonset";
    let more = json!({ "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"] });
    inside.patch(role, &json!([{ "op": "add", "path": "/rules/-", "value": more }]));
    let told = inside.run(&["plan"], &ON);
    for said in [
        "~ kubernetes/DaemonSet/kube-system/gpunode-daemonset\n",
        "+ kubernetes/ValidatingAdmissionPolicy/gpunode-daemonset-node\n",
        "~ kubernetes/ValidatingAdmissionPolicyBinding/gpunode-daemonset-events\n",
        "~ kubernetes/ValidatingAdmissionPolicy/gpunode-daemonset-events\n",
        "~ kubernetes/ValidatingAdmissionPolicyBinding/gpunode-daemonset-node\n",
        "~ kubernetes/ClusterRole/gpunode-daemonset\n",
        "1 to create, 5 to change, 0 to remove, 0 refused",
    ] {
        assert!(told.out.contains(said), "{said}: {told:?}");
    }
    assert_eq!(inside.run(&["apply", "--yes"], &ON).code, Some(0));
    inside.is_applied(&ON);
    for (path, right) in paths.iter().zip(&right) {
        let now = inside.get(path);
        for part in ["spec", "rules", "roleRef", "subjects", "data"] {
            assert_eq!(now[part], right[part], "{path}");
        }
    }
}

#[test]
fn one_of_others_is_refused_and_stays_as_it_is() {
    let _turn = one_at_a_time();
    let inside = Inside::new(801);
    let labels = json!({ "app": "theirs" });
    let theirs = json!({ "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": { "name": "gpunode-daemonset" },
        "spec": { "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels },
            "spec": { "containers": [{ "name": "it", "image": "none.invalid/none" }] } } } });
    inside.create("/apis/apps/v1/namespaces/kube-system/daemonsets", &theirs);
    let before = inside.get(SET);
    let told = inside.run(&["apply", "--yes"], &ON);
    assert_eq!(told.code, Some(4), "{told:?}");
    let said = "left alone: kubernetes/DaemonSet/kube-system/gpunode-daemonset exists and is nobody's";
    assert!(told.err.contains(said), "{told:?}");
    for task in [vec!["apply", "--yes"], vec!["destroy", "--yes"]] {
        // Switched off, and at the end.
        let told = inside.run(&task, &[]);
        assert_eq!(told.code, Some(0), "{told:?}");
        assert_eq!(all_ours(&inside), Vec::<String>::new());
        assert_eq!(inside.get(SET), before);
    }
    inside.delete(SET);
    assert_eq!(inside.ours(), Vec::<String>::new());
}
