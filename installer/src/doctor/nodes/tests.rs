use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::super::Level;
use super::node::CONDITIONS;
use super::*;
use crate::settings::{self, File};

const HELPERS: &str = include_str!("../../../../manifests/chart/templates/_helpers.tpl");

fn settings(more: &str) -> Settings {
    let text = format!(
        "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nVPC_ID=vpc-0123456789abcdef0\nPRIVATE_SUBNET_A=subnet-0000000a\n{more}"
    );
    settings::load(Some(File { path: ".env", text: &text }), &[])
        .unwrap_or_else(|errors| panic!("{errors}"))
        .settings
}

fn now() -> SystemTime {
    humantime::parse_rfc3339("2026-01-01T01:00:00Z").unwrap()
}

fn node(name: &str) -> Value {
    let said = |kind: &str, status: &str| {
        json!({ "type": kind, "status": status, "reason": "Healthy", "message": "all well",
            "lastHeartbeatTime": "2026-01-01T00:58:00Z" })
    };
    let mut conditions: Vec<_> = CONDITIONS.iter().map(|(kind, _)| said(kind, "True")).collect();
    conditions.push(said("Ready", "True"));
    json!({
        "metadata": { "name": name, "labels": { "node.kubernetes.io/instance-type": "p5en.48xlarge" } },
        "status": { "conditions": conditions,
            "allocatable": { "nvidia.com/gpu": "8", "vpc.amazonaws.com/efa": "16" } },
    })
}

fn pod(node: &str, ready: &str) -> Value {
    json!({ "spec": { "nodeName": node }, "status": { "conditions": [{ "type": "Ready", "status": ready }] } })
}

/// What is said of one node with a pod, but the count at the end.
fn told(more: &str, change: impl FnOnce(&mut Value)) -> Vec<Finding> {
    let mut it = node("a");
    change(&mut it);
    let mut found = judge(&settings(more), &[it], (Ok(&[pod("a", "True")]), Ok(&Offers::Plugins)), now());
    found.pop();
    found
}

#[test]
fn names_are_those_of_the_chart() {
    for (kind, _) in CONDITIONS {
        assert!(HELPERS.contains(&format!("'{kind}'")), "{kind}");
    }
    assert!(HELPERS.contains(&format!("app.kubernetes.io/name: {NAME}\n")));
}

#[test]
fn repair_by_eks_has_two_sides() {
    let said = |more: &str, arguments: Value| {
        let mut there = pod("a", "True");
        there["spec"]["containers"] = json!([{ "args": ["run"] }, { "args": arguments }]);
        let offers = Offers::Plugins;
        let mut found = judge(&settings(more), &[node("a")], (Ok(&[there]), Ok(&offers)), now());
        found.pop();
        found.into_iter().map(|found| (found.level, found.advice.unwrap_or_default())).collect::<Vec<_>>()
    };
    let (with, without) = (json!(["--taint", "--eks-repair"]), json!(["--taint"]));
    let found = said("EKS_REPAIR=1\n", without.clone());
    assert!(
        found.len() == 1 && found[0].0 == Level::Error && found[0].1.ends_with("--set eksRepair=true"),
        "{found:?}"
    );
    assert_eq!(said("", with.clone())[0].0, Level::Warning);
    for (more, arguments) in [("EKS_REPAIR=1\n", &with), ("", &without), ("INSTALL_KARPENTER=1\n", &with)] {
        assert_eq!(said(more, arguments.clone()), []);
    }
    let chart = include_str!("../../../../manifests/chart/templates/daemonset.yaml");
    assert!(chart.contains("- --eks-repair\n"));
}

#[test]
fn a_healthy_node_is_only_counted() {
    let found = judge(
        &settings(""),
        &[node("a"), node("b")],
        (Ok(&[pod("a", "True"), pod("b", "True")]), Ok(&Offers::Plugins)),
        now(),
    );
    assert_eq!(found, [Finding::ok("GPU nodes", "2 of 2 as they must be")]);
}

#[test]
fn fewer_devices_than_the_type_has_are_told() {
    let found = told("", |node| {
        node["status"]["allocatable"] = json!({ "nvidia.com/gpu": "7", "vpc.amazonaws.com/efa": "15" });
    });
    let what: Vec<_> = found.iter().map(|finding| finding.what.as_str()).collect();
    assert_eq!(
        what,
        [
            "offers 7 of 8 nvidia.com/gpu (p5en.48xlarge)",
            "offers 15 of 16 vpc.amazonaws.com/efa (p5en.48xlarge)"
        ]
    );
    let none = |node: &mut Value| node["status"]["allocatable"] = json!({ "nvidia.com/gpu": "8" });
    assert_eq!(told("GPU_NUM_ENIS=0\n", none), []);
    assert_eq!(told("", none).len(), 1);
    // An older Karpenter attaches EFA only where a pod asks for it.
    let by_karpenter = |node: &mut Value| {
        none(node);
        node["metadata"]["labels"]["karpenter.sh/nodepool"] = "gpu-spot".into();
    };
    assert_eq!(told("INSTALL_KARPENTER=1\nKARPENTER_VERSION=1.10.0\n", by_karpenter), []);
    assert_eq!(told("KARPENTER_VERSION=1.14.0\n", by_karpenter).len(), 1);
    let parts = |node: &mut Value| {
        node["status"]["allocatable"] =
            json!({ "nvidia.com/mig-1g.10gb": "56", "vpc.amazonaws.com/efa": "16" });
    };
    assert_eq!(told("", parts), []);
}

/// A node whose devices are given by claims, which `slices` say.
fn told_of(slices: Vec<Value>, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut it = node("a");
    it["status"]["allocatable"] = json!({ "nvidia.com/gpu": "0" });
    change(&mut it);
    let offers = Offers::Drivers(slices);
    let found = judge(&settings("GPU_DEVICES=dra\n"), &[it], (Ok(&[pod("a", "True")]), Ok(&offers)), now());
    found.iter().filter(|found| found.level > Level::Ok).map(|found| found.what.clone()).collect()
}

fn slice(driver: &str, attribute: &str, value: &str, count: usize) -> Value {
    let device =
        |at: usize| json!({ "name": format!("d-{at}"), "attributes": { attribute: { "string": value } } });
    json!({ "spec": { "driver": driver, "nodeName": "a", "devices": (0..count).map(device).collect::<Vec<_>>(),
        "pool": { "name": "a", "generation": 1, "resourceSliceCount": 1 } } })
}

#[test]
fn with_dra_a_node_offers_what_its_slices_say() {
    let all = |gpus, interfaces| {
        vec![
            slice("gpu.nvidia.com", "type", "gpu", gpus),
            slice("dra.net", "dra.net/pciDevice", "Elastic Fabric Adapter (EFA)", interfaces),
        ]
    };
    assert_eq!(told_of(all(8, 16), |_| {}), Vec::<String>::new());
    let few = [
        "offers 7 of 8 gpu.nvidia.com (p5en.48xlarge)",
        "offers 15 of 16 efa.networking.k8s.aws (p5en.48xlarge)",
    ];
    assert_eq!(told_of(all(7, 15), |_| {}), few);
    assert_eq!(told_of(Vec::new(), |_| {})[0], "offers 0 of 8 gpu.nvidia.com (p5en.48xlarge)");
    // What the node's status says counts for nothing, except that somebody else gives the same away.
    let found = told_of(all(8, 16), |node| node["status"]["allocatable"]["nvidia.com/gpu"] = "8".into());
    assert!(
        found.len() == 1 && found[0].contains("by a device plugin beside the DRA driver gpu.nvidia.com"),
        "{found:?}"
    );
    let mut part = all(8, 16);
    part[0]["spec"]["pool"]["resourceSliceCount"] = 2.into();
    assert!(told_of(part, |_| {})[0].ends_with("only 1 of the 2 slices of its pool are there"));

    let asked_in_vain =
        judge(&settings("GPU_DEVICES=dra\n"), &[node("a")], (Ok(&[pod("a", "True")]), Err("403")), now());
    assert_eq!((asked_in_vain[0].level, asked_in_vain.len()), (Level::Unknown, 2), "{asked_in_vain:?}");
}

#[test]
fn sick_unknown_stale_and_missing_conditions_differ() {
    let found = told("", |node| node["status"]["conditions"][0]["status"] = "False".into());
    assert_eq!((found[0].level, found.len()), (Level::Error, 1));
    assert_eq!(found[0].what, "GPUHealthy is False: Healthy: all well");
    let found = told("", |node| node["status"]["conditions"][1]["status"] = "Unknown".into());
    assert_eq!((found[0].level, found.len()), (Level::Unknown, 1));
    let mut old = node("a");
    for condition in old["status"]["conditions"].as_array_mut().unwrap() {
        condition["lastHeartbeatTime"] = "2026-01-01T00:48:00Z".into();
    }
    let found = told("", |node| *node = old);
    assert!(found[0].what.contains("are 12 minutes old") && found[0].level == Level::Unknown, "{found:?}");
    let found = told("", |node| {
        let conditions = node["status"]["conditions"].as_array_mut().unwrap();
        conditions.retain(|condition| condition["type"] == "Ready");
    });
    assert_eq!((found[0].level, found.len()), (Level::Unknown, 1));
}

#[test]
fn taints_and_a_node_that_nobody_watches_are_told() {
    let found = told("", |node| {
        node["spec"] = json!({ "unschedulable": true, "taints": [{ "key": "gpunode.io/not-ready", "effect": "NoSchedule" },
            { "key": "nvidia.com/gpu", "value": "true" }] });
    });
    assert_eq!(found.iter().map(|finding| finding.level).collect::<Vec<_>>(), [Level::Warning, Level::Error]);
    let pods = |pods: Result<&[Value], &str>| {
        judge(&settings(""), &[node("a")], (pods, Ok(&Offers::Plugins)), now())
    };
    assert!(pods(Ok(&[pod("b", "True")]))[0].what.contains("has no pod"));
    assert!(pods(Ok(&[pod("a", "False")]))[0].what.contains("is not ready"));
    let none = pods(Ok(&[]));
    assert_eq!((none[0].subject.as_str(), none[0].level, none.len()), (NAME, Level::Error, 2));
    assert_eq!(pods(Err("403"))[0].level, Level::Unknown);
}

proptest! {
    /// Whatever stands in a node, something is said and nothing breaks.
    #[test]
    fn garbage_is_never_well(
        status in prop::sample::select(vec!["", "maybe", "Unknown", "false"]),
        count in "[0-9a-z-]{0,24}",
        time in "[0-9TZ:.-]{0,24}",
    ) {
        let mut it = node("a");
        it["status"]["conditions"][0] = json!({ "type": "GPUHealthy", "status": status, "lastHeartbeatTime": time });
        it["status"]["allocatable"]["nvidia.com/gpu"] = count.into();
        let far = now() + Duration::from_secs(u64::from(u32::MAX));
        for at in [now(), SystemTime::UNIX_EPOCH, far] {
            let found = judge(&settings(""), &[it.clone()], (Ok(&[pod("a", "True")]), Ok(&Offers::Plugins)), at);
            prop_assert!(found.iter().any(|finding| finding.level >= Level::Unknown), "{:?}", found);
        }
    }
}
