//! `GPU_DEVICES=dra`: the drivers in place of the device plugins, and back. The drivers themselves are played: nobody but
//! the tests publishes slices and gives devices to claims.

use std::process::Child;

use gpunode_tests::aws::Told;
use gpunode_tests::kube::proxy::Fault;
use serde_json::{Value, json};

use crate::hardware::{GOOD, WORDS, ended, has, namespace, of_group, played, pods, started, wanted};
use crate::inside::{Inside, NAMES, one_at_a_time};
use crate::node::{NODES, node, watched};
use crate::scripts::counts;
use crate::stand_ins::DRIVERS;

const DRA: (&str, &str) = ("GPU_DEVICES", "dra");
const DAEMON_SETS: &str = "/apis/apps/v1/namespaces/kube-system/daemonsets";
const PLUGINS: [&str; 2] = ["nvidia-device-plugin", "aws-efa-k8s-device-plugin"];
const SLICES: &str = "/apis/resource.k8s.io/v1/resourceslices";
const CLAIMS: &str = "/apis/resource.k8s.io/v1/namespaces/hardware/resourceclaims";

fn there(inside: &Inside, names: &[&str]) -> Vec<bool> {
    names.iter().map(|name| inside.has(&format!("{DAEMON_SETS}/{name}"))).collect()
}

fn done(told: &Told) {
    assert_eq!(told.code, Some(0), "{told:?}");
}

#[test]
fn drivers_come_when_the_plugins_are_gone_and_the_other_way_round() {
    let _turn = one_at_a_time();
    let (inside, proxy) = Inside::behind(600);
    let drivers = DRIVERS.map(|(name, _)| name);
    done(&inside.run(&["apply", "--yes"], &[]));
    assert_eq!((there(&inside, &PLUGINS), there(&inside, &drivers)), (vec![true; 2], vec![false; 2]));

    let told = inside.run(&["plan"], &[DRA]);
    done(&told);
    for said in [
        "+ helm/dra-driver-nvidia-gpu\n",
        "+ helm/aws-dranet\n",
        "- kubernetes/DaemonSet/kube-system/nvidia-device-plugin\n",
        "- kubernetes/DaemonSet/kube-system/aws-efa-k8s-device-plugin\n",
        "2 to create, 0 to change, 2 to remove, 0 refused",
    ] {
        assert!(told.out.contains(said), "{said}: {told:?}");
    }
    // A plugin that cannot be removed keeps its driver away, and no other.
    proxy.rule(|asked| match asked.method.as_str() {
        "DELETE" if asked.path.ends_with("/nvidia-device-plugin") => Fault::Answer(403, None),
        _ => Fault::None,
    });
    let told = inside.run(&["apply", "--yes"], &[DRA]);
    assert_eq!(told.code, Some(5), "{told:?}");
    let plugin = "kubernetes/DaemonSet/kube-system/nvidia-device-plugin";
    assert!(
        told.err.contains(&format!("skipped: helm/dra-driver-nvidia-gpu, which waits for {plugin}")),
        "{told:?}"
    );
    assert_eq!((there(&inside, &PLUGINS), there(&inside, &drivers)), (vec![true, false], vec![false, true]));
    proxy.rule(|_| Fault::None);
    done(&inside.run(&["apply", "--yes"], &[]));

    let before = inside.cluster.audit().unwrap().0.len();
    done(&inside.run(&["apply", "--yes"], &[DRA]));
    assert_eq!((there(&inside, &PLUGINS), there(&inside, &drivers)), (vec![false; 2], vec![true; 2]));
    // Each driver's release was begun after its plugin was removed.
    let audit = inside.cluster.audit().unwrap().0.split_off(before);
    let at = |verbs: &[&str], resource: &str, name: &str| {
        let found = audit.iter().position(|it| {
            verbs.contains(&it.verb.as_str()) && it.resource == resource && it.name.contains(name)
        });
        found.unwrap_or_else(|| panic!("{verbs:?} {resource} {name}"))
    };
    for (driver, plugin) in drivers.iter().zip(PLUGINS) {
        // Helm applies what it makes.
        let made = at(&["create", "patch"], "daemonsets", driver);
        assert!(at(&["delete"], "daemonsets", plugin) < made, "{driver}");
    }
    inside.is_applied(&[DRA]);
    values(&inside);
    sick(&inside);

    // The drivers of others are left alone, and so is what they would be in the way of.
    done(&inside.run(&["apply", "--yes"], &[]));
    assert_eq!((there(&inside, &PLUGINS), there(&inside, &drivers)), (vec![true; 2], vec![false; 2]));
    assert_eq!(inside.releases(), &NAMES[..2]);
    inside.is_applied(&[]);
    let chart = inside.chart("aws-dranet");
    inside.helm(&["install", "aws-dranet", &chart]);
    let told = inside.run(&["apply", "--yes"], &[DRA]);
    assert_eq!(told.code, Some(4), "{told:?}");
    assert!(told.err.contains("left alone: helm/aws-dranet exists and is nobody's by its tags"), "{told:?}");
    inside.helm(&["uninstall", "aws-dranet"]);

    done(&inside.run(&["destroy", "--yes"], &[DRA]));
    assert_eq!((inside.releases(), inside.ours()), (Vec::<String>::new(), Vec::new()));
    assert_eq!(inside.bed.inventory(), inside.empty);
}

/// What the charts are told.
fn values(inside: &Inside) {
    let told = DRIVERS.map(|(name, _)| {
        let map = inside.get(&format!("/api/v1/namespaces/kube-system/configmaps/{name}"));
        serde_json::from_str::<Value>(map["data"]["values"].as_str().unwrap()).unwrap()
    });
    assert_eq!(
        (&told[0]["gpuResourcesEnabledOverride"], &told[0]["resources"]["computeDomains"]["enabled"]),
        (&json!(true), &json!(false))
    );
    let node = &told[0]["kubeletPlugin"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    assert_eq!(node["nodeSelectorTerms"][0]["matchExpressions"][0]["key"], "nvidia.com/gpu");
    let types = told[1]["supportedInstanceLabels"]["values"].as_array().unwrap();
    assert!(types.contains(&json!("p5en.48xlarge")) && !types.contains(&json!("g5.xlarge")), "{types:?}");
    assert_eq!(told[1]["tolerations"][0]["key"], "nvidia.com/gpu");
    assert_eq!(told[1]["image"]["repository"], "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/dranet");
}

/// A release of daemons is well on no node, and sick where one of them does not run.
fn sick(inside: &Inside) {
    let wrong = || {
        let told = inside.run(&["verify", "--json"], &[DRA]);
        let rows = told.json()["wrong"].as_array().unwrap().clone();
        let mut ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        ids.retain(|id| DRIVERS.iter().any(|(name, _)| id.ends_with(name)));
        ids
    };
    assert_eq!(wrong(), Vec::<String>::new());
    let path = format!("{DAEMON_SETS}/aws-dranet");
    let mut status = json!({ "currentNumberScheduled": 2, "desiredNumberScheduled": 2, "numberMisscheduled": 0, "numberReady": 1 });
    inside.says(&path, &status);
    assert_eq!(wrong(), ["helm/aws-dranet"]);
    status["numberReady"] = 2.into();
    inside.says(&path, &status);
    assert_eq!(wrong(), Vec::<String>::new());
}

#[test]
fn a_cluster_without_the_api_is_refused_before_anything_is_done() {
    let _turn = one_at_a_time();
    let (inside, proxy) = Inside::behind(601);
    let subnet = inside.bed.calls(&json!([["ec2", "create_subnet",
        { "VpcId": "vpc-00000000", "CidrBlock": "10.60.0.0/24", "AvailabilityZone": "us-west-2a" }]]));
    let subnet = ("GPU_SUBNET_A", subnet[0]["Subnet"]["SubnetId"].as_str().unwrap());
    let old = [DRA, ("KUBERNETES_VERSION", "1.33"), ("GPU_CREATE_SECURITY_GROUP", "1"), subnet];
    for words in [
        &["plan"][..],
        &["apply", "--yes"],
        &["gpu", "create", "--yes"],
        &["doctor"],
        &["render", "--out", "x"],
    ] {
        let told = inside.run(words, &old);
        assert_eq!(told.code, Some(2), "{told:?}");
        let said = format!("{}{}", told.out, told.err);
        assert!(
            said.contains("GPU_DEVICES")
                && said.contains("needs Kubernetes 1.34 or later, and KUBERNETES_VERSION is 1.33"),
            "{told:?}"
        );
    }
    // A cluster that was not updated as EKS says, or whose API is switched off.
    proxy.rule(
        |asked| if asked.path == "/apis/resource.k8s.io/v1" { Fault::Answer(404, None) } else { Fault::None },
    );
    for words in [&["plan"][..], &["apply", "--yes"]] {
        let told = inside.run(words, &[DRA]);
        assert_eq!(told.code, Some(2), "{told:?}");
        assert!(told.err.contains("the API server does not serve resource.k8s.io/v1"), "{told:?}");
    }
    let told = inside.run(&["doctor", "--json"], &[DRA]);
    has(&told, "error", "the API server does not serve resource.k8s.io/v1");
    has(&told, "warning", "Cluster Autoscaler starts no node in a group that has none");
    assert_eq!((inside.changes(), inside.aws.mutating()), (0, 0));
    // Nobody else is asked for it.
    done(&inside.run(&["plan"], &[]));
}

/// A slice as the driver of a node writes it.
fn slice(inside: &Inside, driver: &str, node: &str, attribute: (&str, &str), count: usize) -> String {
    let device = |at: usize| json!({ "name": format!("device-{at}"), "attributes": { attribute.0: { "string": attribute.1 } } });
    let name = format!("{node}-{driver}");
    let spec = json!({ "driver": driver, "nodeName": node, "devices": (0..count).map(device).collect::<Vec<_>>(),
        "pool": { "name": node, "generation": 1, "resourceSliceCount": 1 } });
    let it = json!({ "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": { "name": name }, "spec": spec });
    inside.create(SLICES, &it);
    name
}

const EFA: (&str, &str) = ("dra.net/pciDevice", "Elastic Fabric Adapter (EFA)");

fn claims(inside: &Inside) -> Vec<Value> {
    inside.get(CLAIMS)["items"].as_array().unwrap().clone()
}

/// Gives devices of `gpu-new` to a claim, as the scheduler does.
fn give(inside: &Inside, name: &str, driver: &str, class: &str, count: usize) {
    let request = json!({ "name": "it", "exactly": { "deviceClassName": class, "allocationMode": "ExactCount", "count": count } });
    let claim = json!({ "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": { "name": name },
        "spec": { "devices": { "requests": [request] } } });
    inside.create(CLAIMS, &claim);
    let result = |at: usize| json!({ "request": "it", "driver": driver, "pool": "gpu-new", "device": format!("device-{at}") });
    let results: Vec<_> = (0..count).map(result).collect();
    inside.says(&format!("{CLAIMS}/{name}"), &json!({ "allocation": { "devices": { "results": results } } }));
}

#[test]
fn pods_ask_by_claims_and_nodes_offer_by_slices() {
    let _turn = one_at_a_time();
    let inside = Inside::new(602);
    namespace(&inside, "hardware");
    namespace(&inside, "doctor");
    wanted(&inside);
    node(&inside, "gpu-new", |node| {
        of_group(node);
        let none = json!({ "nvidia.com/gpu": "0", "cpu": "192" });
        (node["status"]["capacity"], node["status"]["allocatable"]) = (none.clone(), none);
    });
    inside.patch(&format!("{NODES}/gpu-new"), &json!([{ "op": "remove", "path": "/spec/taints" }]));
    watched(&inside, "gpu-new");
    let look = |variables: &[(&str, &str)]| inside.run(&["gpu", "verify", "--no-pods", "--json"], variables);
    let told = look(&[DRA]);
    assert_eq!(told.code, Some(3), "{told:?}");
    has(&told, "error", "offers 0 of 8 gpu.nvidia.com (p5en.48xlarge)");
    let gpus = slice(&inside, "gpu.nvidia.com", "gpu-new", ("type", "gpu"), 8);
    let few = slice(&inside, "dra.net", "gpu-new", EFA, 15);
    let told = look(&[DRA]);
    assert_eq!(told.code, Some(3), "{told:?}");
    has(&told, "error", "offers 15 of 16 efa.networking.k8s.aws (p5en.48xlarge)");
    inside.delete(&format!("{SLICES}/{few}"));
    let interfaces = slice(&inside, "dra.net", "gpu-new", EFA, 16);
    done(&look(&[DRA]));
    // By device plugins the same node offers nothing.
    has(&look(&[]), "error", "offers 0 of 8 nvidia.com/gpu");

    let run = |child: Child| {
        let told = played(&inside, child, &GOOD);
        assert_eq!(pods(&inside), Vec::<Value>::new(), "{told:?}");
        told
    };
    let child = started(&inside, &[DRA]);
    asked(&inside);
    let told = run(child);
    done(&told);
    has(&told, "ok", "nvidia-smi -L with 8 gpu.nvidia.com: GPU 0: NVIDIA H200");
    has(&told, "ok", "fi_info -p efa with 16 efa.networking.k8s.aws: domain: rdmap79s0-rdm");
    assert_eq!((told.json()["calls"]["mutating"].as_u64(), claims(&inside)), (Some(8), Vec::new()));

    // Nobody is left to remove them: the next run does, and leaves those of others and of runs that go on.
    let mut child = started(&inside, &[DRA]);
    asked(&inside);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(claims(&inside).len(), 2);
    for pod in pods(&inside) {
        counts(&inside, &pod);
        ended(&inside, &pod, 0, "");
    }
    give(&inside, "theirs", "gpu.nvidia.com", "gpu.nvidia.com", 8);
    give(&inside, "part", "dra.net", "efa.networking.k8s.aws", 4);
    let told = run(inside.start(&WORDS, &[DRA]));
    assert_eq!(told.code, Some(5), "{told:?}");
    has(&told, "unknown", "all 8 gpu.nvidia.com of gpu-new are taken");
    has(&told, "ok", "fi_info -p efa with 12 efa.networking.k8s.aws");
    let left: Vec<_> = claims(&inside).iter().map(|claim| claim["metadata"]["name"].clone()).collect();
    assert_eq!(left, ["part", "theirs"]);

    for claim in ["part", "theirs"] {
        inside.delete(&format!("{CLAIMS}/{claim}"));
    }
    for slice in [gpus, interfaces] {
        inside.delete(&format!("{SLICES}/{slice}"));
    }
    for path in [format!("{NODES}/gpu-new"), "/api/v1/namespaces/doctor/pods/gpu-new".to_owned()] {
        inside.delete(&path);
    }
}

/// Each pod has a claim of its own for all that is free, and asks for no number; pods come first.
fn asked(inside: &Inside) {
    let since = std::time::Instant::now();
    while claims(inside).len() < 2 {
        assert!(since.elapsed() < std::time::Duration::from_secs(60), "it makes no claims");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let made = claims(inside);
    for pod in pods(inside) {
        let name = &pod["metadata"]["name"];
        assert_eq!(&pod["spec"]["resourceClaims"][0]["resourceClaimName"], name);
        assert_eq!(pod["spec"]["containers"][0]["resources"]["limits"], json!({ "memory": "1Gi" }));
        let claim = made.iter().find(|claim| &claim["metadata"]["name"] == name).unwrap();
        let request = &claim["spec"]["devices"]["requests"][0]["exactly"];
        let gpu = name.as_str().unwrap().contains("-gpu-");
        let expected = if gpu { ("gpu.nvidia.com", 8) } else { ("efa.networking.k8s.aws", 16) };
        assert_eq!(
            (&request["deviceClassName"], &request["count"]),
            (&json!(expected.0), &json!(expected.1))
        );
    }
}
