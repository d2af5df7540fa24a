//! The manifests are what the programs' tables say, the same by helm and by kustomize, and the API server takes them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use gpunode_tests::kube::{Cluster, finish, helm, kubectl, program};
use gpunode_tests::{binary, manifests};
use serde_json::Value;

fn folder() -> PathBuf {
    binary::bed().join("../manifests")
}

#[test]
fn what_is_made_is_up_to_date() {
    let folder = folder();
    let mut made = manifests::chart_files();
    made.extend(manifests::kustomize_files(&folder).unwrap());
    made.push(("ALERTS.md".into(), manifests::runbook()));
    for (name, text) in made {
        let path = folder.join(&name);
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(there == text, "manifests/{} is not up to date: run `cargo xtask manifests`", name.display());
    }
}

/// The overlay, and the chart's values that must come to the same.
const VARIANTS: [(&str, &str); 7] = [
    ("base", ""),
    ("overlays/privileged", "devices=privileged"),
    ("overlays/bottlerocket", "devices=runtimeClass"),
    ("overlays/eks-repair", "eksRepair=true"),
    ("overlays/taint", "taint=true"),
    ("overlays/flow-control", "flowControl=true"),
    ("overlays/all", "eksRepair=true,taint=true,flowControl=true,monitor=pod,alerts=true,dashboard=true"),
];

#[test]
fn helm_and_kustomize_come_to_the_same() {
    for (overlay, values) in VARIANTS {
        let mut words = vec!["--set", "createNamespace=true"];
        if !values.is_empty() {
            words.extend(["--set", values]);
        }
        let helm = objects(&manifests::template(&folder(), &words).unwrap());
        let mut command = program(kubectl().unwrap());
        command.arg("kustomize").arg(folder().join("kustomize").join(overlay));
        let kustomize = objects(&finish(command).unwrap());
        assert_eq!(helm.keys().collect::<Vec<_>>(), kustomize.keys().collect::<Vec<_>>(), "{overlay}");
        for (name, object) in helm {
            assert_eq!(object, kustomize[&name], "{overlay}: {name}");
        }
    }
}

/// Objects by kind, namespace and name.
fn objects(yaml: &str) -> BTreeMap<String, Value> {
    let name = |object: &Value| {
        let meta = &object["metadata"];
        format!("{} {} {}", object["kind"], meta["namespace"], meta["name"])
    };
    manifests::objects(yaml).unwrap().into_iter().map(|object| (name(&object), object)).collect()
}

fn finish_with(mut command: std::process::Command, file: &std::path::Path) -> String {
    command.arg(file);
    finish(command).unwrap()
}

#[test]
fn helm_finds_nothing_to_say_about_the_chart() {
    let mut command = program(helm().unwrap());
    command.args(["lint", "--strict", "--set", "monitor=service,alerts=true,dashboard=true"]);
    let said = finish_with(command, &folder().join("chart"));
    assert!(said.contains("0 chart(s) failed"), "{said}");
    for wrong in ["devices=whatever", "monitor=whatever"] {
        let error = manifests::template(&folder(), &["--set", wrong]).unwrap_err().to_string();
        assert!(error.contains("it can be"), "{error}");
    }
}

#[test]
fn a_runtime_class_is_named_where_one_is_needed_or_asked_for() {
    for (values, class) in [
        ("devices=cdi", None),
        ("devices=cdi,runtimeClassName=nvidia", Some("nvidia")),
        ("devices=privileged", None),
        ("devices=runtimeClass", Some("nvidia")),
        ("devices=runtimeClass,runtimeClassName=other", Some("other")),
    ] {
        let all = objects(&manifests::template(&folder(), &["--set", values]).unwrap());
        let set = all.values().find(|object| object["kind"] == "DaemonSet").unwrap();
        assert_eq!(set["spec"]["template"]["spec"]["runtimeClassName"].as_str(), class, "{values}");
    }
}

#[test]
fn the_api_server_takes_every_variant_and_knows_every_field() {
    let cluster = Cluster::start().unwrap();
    cluster.extend_api().unwrap();
    for (overlay, _) in VARIANTS {
        let path = folder().join("kustomize").join(overlay).display().to_string();
        cluster.kubectl(&["apply", "--server-side", "--validate=strict", "-k", &path]).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("helm.yaml");
    let values = ["--set", "createNamespace=true,monitor=service,alerts=true,dashboard=true"];
    std::fs::write(&file, manifests::template(&folder(), &values).unwrap()).unwrap();
    let file = file.display().to_string();
    cluster
        .kubectl(&["apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", &file])
        .unwrap();

    let admin = cluster.admin().unwrap();
    let path = "/apis/apps/v1/namespaces/gpunode-system/daemonsets/gpunode-daemonset";
    let pod = admin.get(path).unwrap().body["spec"]["template"].clone();
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["securityContext"]["capabilities"]["drop"], serde_json::json!(["ALL"]));
    assert_eq!(container["volumeMounts"][0]["recursiveReadOnly"], "IfPossible");
    assert_eq!(
        container["env"][1],
        serde_json::json!({"name": "NVIDIA_VISIBLE_DEVICES", "value": "gpunode.io/host=all"})
    );
    let config = "/api/v1/namespaces/gpunode-system/configmaps/gpunode-nccl";
    let nccl = admin.get(config).unwrap().body["data"].clone();
    assert!(nccl["g5.12xlarge"].as_str().unwrap().contains("\nNCCL_SHM_USE_CUDA_MEMCPY=1\n"), "{nccl}");
}

#[test]
fn the_pods_requests_have_a_priority_level_of_their_own() {
    let cluster = Cluster::start().unwrap();
    cluster.deploy("overlays/flow-control").unwrap();
    let client = cluster.reporter_client("node-a").unwrap();
    let started = Instant::now();
    // The API server takes a new schema up a moment after it is stored.
    for time in 0.. {
        let labels = serde_json::json!({"gpunode.io/x": format!("{time}")});
        let node = serde_json::json!({"apiVersion": "v1", "kind": "Node", "metadata": {"labels": labels}});
        client.apply("/api/v1/nodes/node-a", "gpunode-daemonset", &node).unwrap().granted("apply").unwrap();
        let metrics = cluster.kubectl(&["get", "--raw", "/metrics"]).unwrap();
        let ours = |line: &&str| {
            let words = ["flow_schema=\"gpunode-daemonset\"", "priority_level=\"gpunode-daemonset\""];
            line.starts_with("apiserver_flowcontrol_dispatched_requests_total{")
                && words.iter().all(|word| line.contains(word))
        };
        if metrics.lines().any(|line| ours(&line) && !line.ends_with(" 0")) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "none of {time} requests went there");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn promtool_takes_the_alerts_and_they_begin_and_end_with_their_finding() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("alerts.yaml"), manifests::alerts()).unwrap();
    std::fs::copy(binary::bed().join("kube/alerts.test.yaml"), dir.path().join("alerts.test.yaml")).unwrap();
    for words in [["check", "rules"], ["test", "rules"]] {
        let mut command = program("promtool");
        let file = if words[0] == "check" { "alerts.yaml" } else { "alerts.test.yaml" };
        command.args(words).current_dir(dir.path());
        let said = finish_with(command, std::path::Path::new(file));
        assert!(said.contains("SUCCESS"), "{said}");
    }
}

#[test]
fn every_query_of_the_dashboard_is_promql() {
    let dashboard: Value = serde_json::from_str(&manifests::dashboard()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let queries = panels.iter().filter_map(|panel| panel["targets"][0]["expr"].as_str());
    let rules: Vec<_> = queries
        .enumerate()
        .map(|(at, query)| {
            // Grafana fills these in before it asks.
            let query = query.replace("$node", ".*").replace("$__rate_interval", "5m");
            serde_json::json!({"record": format!("query:{at}"), "expr": query})
        })
        .collect();
    assert!(rules.len() > 10, "{}", rules.len());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("queries.yaml");
    let groups = serde_json::json!({"groups": [{"name": "dashboard", "rules": rules}]});
    std::fs::write(&file, groups.to_string()).unwrap();
    let mut command = program("promtool");
    command.args(["check", "rules"]);
    assert!(finish_with(command, &file).contains("SUCCESS"));
}
