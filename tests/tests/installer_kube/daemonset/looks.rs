//! What `verify` and `doctor` say of it.

use serde_json::json;

use super::{ON, REPAIR, SET};
use crate::hardware::{has, namespace};
use crate::inside::{Inside, one_at_a_time};
use crate::node::{NODES, PODS, node, watched};

#[test]
fn verify_and_doctor_look_whether_it_is_on_every_gpu_node() {
    let _turn = one_at_a_time();
    let inside = Inside::new(802);
    let told = inside.run(&["verify"], &[ON[0]]);
    assert_eq!(told.code, Some(2), "{told:?}");
    assert!(told.err.contains("DAEMONSET_IMAGE: must be set"), "{told:?}");
    assert_eq!(inside.run(&["apply", "--yes"], &ON).code, Some(0));
    let nodes = || {
        let told = inside.run(&["verify", "--json"], &ON);
        let document = told.json();
        let rows = document["wrong"].as_array().unwrap().clone();
        let ours = rows.into_iter().filter(|row| row["id"].as_str().unwrap().contains("gpunode")).chain(
            document["wrong"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|row| row["id"] == "kubernetes/Node")
                .cloned(),
        );
        ours.map(|row| row["note"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(nodes(), Vec::<String>::new());
    namespace(&inside, "doctor");
    for name in ["gpu-a", "gpu-b"] {
        node(&inside, name, |_| {});
    }
    watched(&inside, "gpu-a");
    assert_eq!(nodes(), ["1 of 2 have no gpunode-daemonset that is ready: gpu-b"]);
    watched(&inside, "gpu-b");
    assert_eq!(nodes(), Vec::<String>::new());
    inside.says(&format!("{PODS}/gpu-a"), &json!({ "conditions": [{ "type": "Ready", "status": "False" }] }));
    assert_eq!(nodes(), ["1 of 2 have no gpunode-daemonset that is ready: gpu-a"]);
    inside.says(
        SET,
        &json!({ "desiredNumberScheduled": 2, "numberReady": 1, "currentNumberScheduled": 2,
        "numberMisscheduled": 0 }),
    );
    assert_eq!(nodes().len(), 2, "{:?}", nodes());

    // The pods of before have no argument; with the setting that is an error, and apply is what helps.
    let told = inside.run(&["doctor", "--json"], &[&ON[..], &[REPAIR]].concat());
    has(&told, "error", "EKS_REPAIR is set, and no pod has --eks-repair");
    assert!(told.out.contains("installer apply; then kubectl -n kube-system get pods"), "{told:?}");
    let token = inside.cluster.kubectl(&["create", "token", "default", "--namespace", "doctor"]).unwrap();
    let weak = inside.kubeconfig("weak", inside.cluster.url(), token.trim());
    let told = inside.run(&["doctor", "--json", "--kubeconfig", &weak], &ON);
    has(&told, "error", "create roles.rbac.authorization.k8s.io in default");
    has(&told, "error", "create validatingadmissionpolicies.admissionregistration.k8s.io");
    for name in ["gpu-a", "gpu-b"] {
        inside.delete(&format!("{NODES}/{name}"));
        inside.delete(&format!("{PODS}/{name}"));
    }
    assert_eq!(inside.run(&["destroy", "--yes"], &ON).code, Some(0));
    assert_eq!(inside.ours(), Vec::<String>::new());
}
