use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::kube::path;
use crate::settings::{self, File as Text};

const IMAGE: &str = "registry.example.com/gpunode-daemonset:0.1.0";

fn settings(more: &str) -> Settings {
    let text = format!(
        "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nVPC_ID=vpc-0123456789abcdef0\nPRIVATE_SUBNET_A=subnet-0000000a\n{more}"
    );
    settings::load(Some(Text { path: ".env", text: &text }), &[])
        .unwrap_or_else(|errors| panic!("{errors}"))
        .settings
}

fn on(more: &str) -> [File; 2] {
    files(&settings(&format!("INSTALL_GPUNODE_DAEMONSET=1\nDAEMONSET_IMAGE={IMAGE}\n{more}"))).unwrap()
}

fn one<'a>(files: &'a [File], kind: &str) -> &'a Value {
    files[0].objects.iter().find(|object| object["kind"] == kind).unwrap()
}

fn arguments(files: &[File]) -> &Value {
    one(files, "DaemonSet").pointer("/spec/template/spec/containers/0/args").unwrap()
}

#[test]
fn what_writes_the_conditions_of_eks_and_who_may_is_one_setting() {
    let conditions = |files: &[File]| {
        one(files, "ValidatingAdmissionPolicy")["spec"]["variables"][0]["expression"].to_string()
    };
    for (more, set) in [("", false), ("EKS_REPAIR=1\n", true), ("EKS_REPAIR=no\n", false)] {
        let files = on(more);
        assert_eq!(arguments(&files).as_array().unwrap().contains(&json!("--eks-repair")), set, "{more}");
        assert_eq!(conditions(&files).contains("'AcceleratedHardwareReady'"), set, "{more}");
    }
}

#[test]
fn settings_change_what_they_name_and_the_image_is_theirs() {
    let files = on("EKS_REPAIR=1\nDAEMONSET_TAINT=1\nDAEMONSET_DEVICES=runtime-class\n");
    let wanted = ["--root=/host", "--own-libraries", "--listen=0.0.0.0:9879", "--eks-repair", "--taint"];
    assert_eq!(*arguments(&files), json!(wanted));
    let container = &one(&files, "DaemonSet")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], IMAGE);
    assert_eq!(container["securityContext"]["privileged"], true);
    let cdi = on("");
    let container = &one(&cdi, "DaemonSet")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["securityContext"]["privileged"], Value::Null);
    assert_eq!(container["env"][1]["value"], "gpunode.io/host=all");
}

#[test]
fn each_object_has_a_place_of_its_own_and_none_is_in_a_namespace_that_nobody_makes() {
    for more in ["", "DAEMONSET_FLOW_CONTROL=1\n"] {
        let files = on(more);
        let all: Vec<_> = files.iter().flat_map(|file| &file.objects).collect();
        let paths: BTreeSet<_> = all.iter().map(|object| path(object).unwrap()).collect();
        assert_eq!((paths.len(), all.len()), (13, 13));
        assert!(!serde_json::to_string(&all).unwrap().contains(THEIR_NAMESPACE));
        assert_eq!(files[0].objects.last().unwrap()["kind"], "DaemonSet");
        assert_eq!(files[1].objects[0]["kind"], "PriorityLevelConfiguration");
        assert_eq!((files[0].wanted, files[1].wanted), (true, !more.is_empty()));
    }
    let off = files(&settings("DAEMONSET_FLOW_CONTROL=1\n")).unwrap();
    assert!(off.iter().all(|file| !file.wanted && !file.objects.is_empty()));
}

#[test]
fn the_names_of_pods_are_those_of_the_chart() {
    let labels = &one(&on(""), "DaemonSet")["spec"]["template"]["metadata"]["labels"].clone();
    assert_eq!(labels["app.kubernetes.io/name"], NAME);
}

#[test]
fn only_pods_that_are_ready_count() {
    let pod = |node: &str, ready: &str| json!({ "spec": { "nodeName": node }, "status": { "conditions": [{ "type": "Ready", "status": ready }] } });
    let watched = Watched::of(&[pod("a", "True"), pod("b", "False"), json!({ "spec": {} })]);
    assert_eq!(watched.all, ["a", "b"].map(str::to_owned).into());
    assert_eq!(watched.ready, ["a".to_owned()].into());
}

fn objects() -> Vec<Value> {
    vec![json!({ "kind": "DaemonSet", "metadata": { "name": "d" }, "spec": { "args": ["x"] } })]
}

fn component(operations: &str) -> String {
    format!("patches:\n  - target: {{kind: DaemonSet, name: d}}\n    patch: |\n      {operations}\n")
}

#[test]
fn a_component_is_applied_in_order() {
    let mut objects = objects();
    let operations = "[{op: test, path: /spec/args/0, value: x}, {op: add, path: /spec/args/0, value: y}, \
        {op: add, path: /spec/args/-, value: z}, {op: remove, path: /spec/args/1}]";
    change(&mut objects, &component(operations)).unwrap();
    assert_eq!(objects[0]["spec"]["args"], json!(["y", "z"]));
}

#[test]
fn a_component_that_does_not_fit_changes_nothing_and_is_told() {
    for (operations, said) in [
        (
            "[{op: add, path: /spec/args/-, value: y}, {op: test, path: /spec/args/0, value: z}]",
            "operation '/1' failed at path '/spec/args/0': value did not match",
        ),
        (
            "[{op: replace, path: /spec/image, value: y}]",
            "operation '/0' failed at path '/spec/image': path is invalid",
        ),
        ("[{op: turn, path: /spec}]", "unknown variant `turn`"),
    ] {
        let mut objects = objects();
        let why = change(&mut objects, &component(operations)).expect_err(operations);
        assert!(why.contains(said) && objects == self::objects(), "{why}");
    }
}
