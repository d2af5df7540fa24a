//! Objects, and the ways to the API server.

use serde_json::{Value, json};

use crate::inside::{Inside, faults, one_at_a_time};

const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
const CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";
const OWNER: &str = "us-west-2/research";

fn class(name: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": { "name": name, "annotations": annotations },
        "provisioner": "kubernetes.io/aws-ebs", "volumeBindingMode": "WaitForFirstConsumer",
    })
}

#[test]
fn a_second_apply_changes_nothing_on_either_side_and_gp2_is_no_default_any_more() {
    let _turn = one_at_a_time();
    let inside = Inside::new(301);
    let before = inside.changing("gpunode-installer");
    inside.create(CLASSES, &class("gp2", &json!({ DEFAULT: "true", "by": "eks" })));
    let told = inside.run(&["plan"], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("+ kubernetes/StorageClass/gp3\n"), "{told:?}");
    let taken = "~ kubernetes/StorageClass/default\n    /other defaults: [\"gp2\"] -> []\n";
    assert!(told.out.contains(taken), "{told:?}");
    assert_eq!(inside.changes(), 0, "plan changed something");

    let told = inside.run(&["apply", "--yes", "--json"], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(told.json()["outcomes"]["kubernetes/StorageClass/default"]["outcome"], "changed");
    let gp3 = inside.get(&format!("{CLASSES}/gp3"));
    let annotations = json!({ DEFAULT: "true", "gpunode.io/cluster": OWNER });
    assert_eq!(gp3["metadata"]["annotations"], annotations);
    assert_eq!(gp3["parameters"], json!({ "type": "gp3", "encrypted": "true" }));
    assert_eq!(inside.get(&format!("{CLASSES}/gp2"))["metadata"]["annotations"], json!({ "by": "eks" }));
    let deployment = inside.get("/apis/apps/v1/namespaces/kube-system/deployments/metrics-server");
    assert_eq!(deployment["spec"]["replicas"], 2);
    let service = inside.get("/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io");
    assert_eq!(service["spec"]["service"]["name"], "metrics-server");

    let mut logged = inside.bed.audit();
    logged.retain(|line| line["service"] == "Kubernetes" && line["event"] == "answered");
    assert_eq!(
        logged.len(),
        inside.changing("gpunode-installer") - before,
        "the audit log and the API server's differ"
    );
    assert!(logged.iter().all(|line| line["outcome"] == "done"), "{logged:?}");
    inside.is_applied(&[]);
    assert_eq!(inside.run(&["plan", "--detailed-exitcode"], &[]).code, Some(0));

    let told = inside.run(&["destroy", "--yes"], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(inside.ours(), Vec::<String>::new());
    assert_eq!(inside.get(&format!("{CLASSES}/gp2"))["metadata"]["annotations"], json!({ "by": "eks" }));
}

#[test]
fn drift_is_repaired_and_flags_go_on_and_off() {
    let _turn = one_at_a_time();
    let inside = Inside::new(302);
    let io2 = [("INSTALL_IO2_STORAGECLASS", "true")];
    let told = inside.run(&["apply", "--yes"], &io2);
    assert_eq!(told.code, Some(0), "{told:?}");
    let all = inside.ours();
    assert!(all.contains(&format!("{CLASSES}/io2")), "{all:?}");
    // What cannot be changed in a class is a new class.
    let more = [io2[0], ("IO2_IOPS", "12000")];
    let told = inside.run(&["plan"], &more);
    assert!(told.out.contains("/parameters/iops: \"10000\" -> \"12000\""), "{told:?}");
    assert_eq!(inside.run(&["apply", "--yes"], &more).code, Some(0));
    assert_eq!(inside.get(&format!("{CLASSES}/io2"))["parameters"]["iops"], "12000");

    let right: Vec<Value> = all.iter().map(|path| inside.get(path)).collect();
    let deployment = "/apis/apps/v1/namespaces/kube-system/deployments/metrics-server";
    inside.patch(
        deployment,
        &json!([
            { "op": "replace", "path": "/spec/replicas", "value": 1 },
            { "op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--evil" },
        ]),
    );
    let binding = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:metrics-server";
    let eve = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "eve" });
    inside.patch(binding, &json!([{ "op": "add", "path": "/subjects/-", "value": eve }]));
    inside.patch(
        &format!("{CLASSES}/gp3"),
        &json!([{ "op": "replace",
        "path": format!("/metadata/annotations/{}", DEFAULT.replace('/', "~1")), "value": "false" }]),
    );
    inside.delete("/apis/apps/v1/namespaces/kube-system/daemonsets/nvidia-device-plugin");
    inside.create(
        CLASSES,
        &class("mine", &json!({ "storageclass.beta.kubernetes.io/is-default-class": "true" })),
    );
    let told = inside.run(&["plan", "--json"], &more);
    let counts = told.json()["counts"].clone();
    assert_eq!((counts["create"].as_u64(), counts["update"].as_u64()), (Some(1), Some(4)), "{told:?}");
    let told = inside.run(&["apply", "--yes"], &more);
    assert_eq!(told.code, Some(0), "{told:?}");
    for (path, right) in all.iter().zip(&right) {
        let now = inside.get(path);
        let parts = ["spec", "subjects", "parameters", "rules", "roleRef"];
        for part in parts.iter().filter(|part| !path.ends_with("io2") || **part != "parameters") {
            assert_eq!(now[part], right[part], "{path}");
        }
    }
    assert_eq!(inside.get(&format!("{CLASSES}/mine"))["metadata"]["annotations"], Value::Null);
    assert_eq!(inside.run(&["apply", "--yes"], &[]).code, Some(0));
    assert!(!inside.ours().contains(&format!("{CLASSES}/io2")));
    assert_eq!(inside.run(&["destroy", "--yes"], &[]).code, Some(0));
    assert_eq!(inside.ours(), Vec::<String>::new());
}

#[test]
fn what_others_made_is_refused_left_as_it_is_and_never_removed() {
    let _turn = one_at_a_time();
    let inside = Inside::new(303);
    inside.create(
        CLASSES,
        &class("gp3", &json!({ DEFAULT: "true", "gpunode.io/cluster": "eu-west-1/research" })),
    );
    inside.create(CLASSES, &class("gp2", &json!({ DEFAULT: "true" })));
    let account =
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "metrics-server" } });
    inside.create("/api/v1/namespaces/kube-system/serviceaccounts", &account);
    let theirs = |name: &str| inside.get(&format!("{CLASSES}/{name}"));
    let before = (theirs("gp3"), theirs("gp2"));
    let told = inside.run(&["apply", "--yes"], &[]);
    assert_eq!(told.code, Some(4), "{told:?}");
    for said in [
        "left alone: kubernetes/StorageClass/gp3 exists and is eu-west-1/research's",
        "left alone: kubernetes/ServiceAccount/kube-system/metrics-server exists and is nobody's",
        "skipped: kubernetes/StorageClass/default",
        "skipped: kubernetes/Deployment/kube-system/metrics-server",
    ] {
        assert!(told.err.contains(said), "{said}: {told:?}");
    }
    // Where the new default is not ours, the old one stays.
    assert_eq!((theirs("gp3"), theirs("gp2")), before);
    assert_eq!(inside.ours().len(), 2, "{:?}", inside.ours());
    let told = inside.run(&["destroy", "--yes"], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("kubernetes/StorageClass/gp3 is not ours and stays"), "{told:?}");
    assert_eq!((theirs("gp3"), theirs("gp2")), before);
    assert_eq!(inside.ours(), Vec::<String>::new());
}

#[test]
fn a_cluster_that_cannot_be_reached_or_entered_is_told_and_nothing_is_changed() {
    let _turn = one_at_a_time();
    let inside = Inside::new(304);
    let before = inside.bed.inventory();
    let nowhere = inside.kubeconfig("nowhere", "https://127.0.0.1:9", "any");
    let nobody = inside.kubeconfig("nobody", inside.cluster.url(), "nobody's");
    let away = ["--kubeconfig", nowhere.as_str()];
    for (words, code) in [(vec!["plan"], 0), (vec!["plan", "--detailed-exitcode"], 5), (vec!["status"], 5)] {
        let told = inside.run(&[&words[..], &away[..]].concat(), &[]);
        assert_eq!(told.code, Some(code), "{told:?}");
        let said = "what is inside the cluster is not known: kubernetes get: https://127.0.0.1:9";
        assert!(told.out.contains(said) && told.out.contains("iam-role/research-ebs-csi"), "{told:?}");
    }
    for (file, said) in [(&nowhere, "https://127.0.0.1:9"), (&nobody, "401 Unauthorized")] {
        for task in ["apply", "destroy"] {
            let told = inside.run(&[task, "--yes", "--kubeconfig", file], &[]);
            assert_eq!(told.code, Some(5), "{told:?}");
            assert!(told.err.contains(said) && told.err.contains("nothing was done"), "{told:?}");
        }
    }
    // One that is set for all programs may be for another cluster.
    let told = inside.run(&["apply", "--yes"], &[("KUBECONFIG", &nobody.replace("nobody", "nowhere"))]);
    assert_eq!(told.code, Some(5), "{told:?}");
    assert!(told.err.contains("is for https://127.0.0.1:9, but the API server of research is"), "{told:?}");
    assert_eq!((inside.bed.inventory(), inside.aws.mutating(), inside.changes()), (before, 0, 0));

    // A program that says the token, and an API server that fails in between.
    let proxy = gpunode_tests::kube::proxy::Proxy::start(inside.cluster).unwrap();
    let program = inside.bed.folder().join("program");
    let text = std::fs::read_to_string(inside.kubeconfig("admin", &proxy.url(), "admin-of-a-test")).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    let said = json!({ "status": { "token": "admin-of-a-test" } }).to_string();
    value["users"][0]["user"] = json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "sh", "args": ["-c", format!("echo '{said}'")] } });
    std::fs::write(&program, value.to_string()).unwrap();
    let program = program.display().to_string();
    assert_eq!(inside.run(&["apply", "--yes", "--kubeconfig", &program], &[]).code, Some(0));
    // The charts stay: what helm itself does with a lost answer is helm's.
    inside.ours().iter().for_each(|path| inside.delete(path));
    for fault in faults() {
        proxy.next(1, &fault);
    }
    let told = inside.run(&["apply", "--yes", "--kubeconfig", &program], &[]);
    assert_eq!((told.code, proxy.left()), (Some(0), 0), "{told:?}");
    assert!(inside.ours().len() > 10);
    let told = inside.run(&["destroy", "--yes", "--kubeconfig", &program], &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!((inside.ours(), inside.bed.inventory()), (Vec::new(), inside.empty.clone()));
}
