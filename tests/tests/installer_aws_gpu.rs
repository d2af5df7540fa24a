//! `installer gpu` against an emulator of AWS: node groups with all that they are made of.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

#[path = "gpu_groups/drift.rs"]
mod drift;
#[path = "gpu_groups/own.rs"]
mod own;
#[path = "gpu_groups/reserved.rs"]
mod reserved;
#[path = "gpu_groups/site.rs"]
mod site;
#[path = "gpu_groups/trouble.rs"]
mod trouble;

use std::collections::BTreeMap;

use gpunode_tests::aws::{Fault, Proxy};
use serde_json::{Value, json};

use drift::drift;
use site::{ALL, CREATE, DELETE, Site, done, pairs, straight};

/// What EC2 is told is what botocore makes of the same data, by AWS's own model.
#[test]
fn the_template_is_sent_as_aws_s_model_has_it() {
    let site = Site::new(201, "a");
    let proxy = straight();
    let block = site.block();
    let reserved = [("GPU_CAPACITY", "capacity-block"), ("GPU_CAPACITY_RESERVATION_ID", block.as_str())];
    done(&site.run(&proxy, &CREATE, &reserved));
    let sent = proxy.calls().into_iter().find(|call| call.operation == "CreateLaunchTemplate").unwrap();
    let ours = pairs(&sent.body);
    let file = site.bed.folder().join("rendered");
    let told = site.run(&proxy, &["render", "launch-template", "--out", file.to_str().unwrap()], &reserved);
    assert_eq!(told.code, Some(0), "{told:?}");
    let data = std::fs::read_to_string(file.join("launch-template.json")).unwrap();
    let data: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(data["NetworkInterfaces"].as_array().unwrap().len(), 17);
    let call = json!([["ec2", "create_launch_template", {
        "LaunchTemplateName": "research-gpu-compute",
        "VersionDescription": ours["VersionDescription"],
        "LaunchTemplateData": data,
        "TagSpecifications": [{ "ResourceType": "launch-template", "Tags": [
            { "Key": "gpunode.io/cluster", "Value": "us-west-2/research/gpu-compute" }] }],
    }]]);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let theirs = site.bed.forms(&call)[0].as_object().unwrap().clone();
    let theirs: BTreeMap<_, _> = theirs.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    assert_eq!(ours, theirs);
    let calls: Vec<_> = proxy.calls().into_iter().filter(|call| call.body.contains("2016-11-15")).collect();
    assert!(calls.len() > 5, "{calls:?}");
    let asked =
        calls.iter().map(|call| json!({ "service": "ec2", "headers": call.headers, "body": call.body }));
    let theirs = site.bed.signatures(&asked.collect());
    for (call, theirs) in calls.iter().zip(theirs.as_array().unwrap()) {
        let (_, signature) = call.headers["authorization"].rsplit_once("Signature=").unwrap();
        assert_eq!(signature, theirs, "{call:?}");
    }
}

#[test]
fn made_once_repaired_changed_and_removed() {
    let site = Site::new(202, "a");
    let (proxy, before) = (straight(), site.bed.nodes());
    let told = site.run(&proxy, &["gpu", "create", "--dry-run"], &ALL);
    assert_eq!((told.code, proxy.mutating()), (Some(0), 0), "{told:?}");
    assert!(
        told.out.contains("+ eks-node-group/gpu-compute")
            && told.out.contains("L-417A185B (Running On-Demand P instances) allows 4000 vCPUs")
            && told.out.contains("10 nodes of p5en.48xlarge need 1920;"),
        "{told:?}"
    );
    assert_eq!(site.run(&proxy, &["gpu", "status"], &ALL).code, Some(3));

    let made = done(&site.run(&proxy, &CREATE, &ALL));
    assert_eq!(made["outcomes"].as_object().unwrap().len(), 5, "{made}");
    let told = site.run(&proxy, &["doctor"], &ALL);
    assert!(
        told.out.contains("what gpu create makes") && told.out.contains("5 of 5 as they must be"),
        "{told:?}"
    );
    let right = site.bed.nodes();
    let group = &right.0["node-group/gpu-compute"];
    assert_eq!(group["nodeRepairConfig"]["enabled"], true);
    assert_eq!(group["amiType"], "AL2023_x86_64_NVIDIA");
    // Without it Cluster Autoscaler starts no node for a pod that wants EFA while there is none.
    assert_eq!(
        group["tags"]["k8s.io/cluster-autoscaler/node-template/resources/vpc.amazonaws.com/efa"],
        "16"
    );
    assert!(group["template"].as_str().unwrap().starts_with("gpunode sha256:"), "{group}");
    for (name, value) in right.0.iter().filter(|(name, _)| !before.0.contains_key(*name)) {
        assert_eq!(value["tags"]["gpunode.io/cluster"], "us-west-2/research/gpu-compute", "{name}: {value}");
    }
    let audit = site.bed.audit();
    let of = |event: &str| audit.iter().filter(|line| line["event"] == event).count();
    assert_eq!((of("sent"), of("answered")), (proxy.mutating(), proxy.mutating()));
    assert!(audit.iter().any(|line| line["service"] == "EC2" && line["operation"] == "CreateLaunchTemplate"));

    let calls = proxy.mutating();
    let told = done(&site.run(&proxy, &CREATE, &ALL));
    assert_eq!((proxy.mutating(), &told["calls"]["mutating"]), (calls, &json!(0)), "{told}");
    assert_eq!(site.run(&proxy, &["gpu", "status"], &ALL).code, Some(0));

    drift(&site);
    assert_ne!(site.bed.nodes(), right);
    done(&site.run(&proxy, &CREATE, &ALL));
    assert_eq!(site.bed.nodes(), right);

    // Another size is another version, which the group takes; the first one is no more than a version that was there.
    let larger = [ALL[0], ALL[1], ALL[2], ("GPU_ROOT_VOLUME_SIZE", "300"), ("GPU_MAX_SIZE", "20")];
    let told = site.run(&proxy, &["gpu", "create", "--plan"], &larger);
    assert!(told.out.contains("~ launch-template/research-gpu-compute"), "{told:?}");
    assert!(
        told.out.contains("~ eks-node-group/gpu-compute") && told.out.contains("/maxSize: 10 -> 20"),
        "{told:?}"
    );
    done(&site.run(&proxy, &CREATE, &larger));
    let grown = site.bed.nodes();
    assert_eq!(grown.0["node-group/gpu-compute"]["scalingConfig"]["maxSize"], 20);
    assert_eq!(
        grown.0["template/research-gpu-compute"]["says"],
        grown.0["node-group/gpu-compute"]["template"]
    );
    assert_ne!(
        grown.0["template/research-gpu-compute"]["says"],
        right.0["template/research-gpu-compute"]["says"]
    );

    // Another settings file of the same cluster, and what others made: neither is touched.
    done(&site.run(&proxy, &CREATE, &[("GPU_NODE_GROUP_NAME", "gpu-compute-a")]));
    let mut others = site.bed.nodes();
    others.0.retain(|name, _| name.contains("gpu-compute-a") || before.0.contains_key(name));
    assert_eq!(others.0.len(), before.0.len() + 3, "{others:?}");
    done(&site.run(&proxy, &DELETE, &[]));
    assert_eq!(site.bed.nodes(), others);
    done(&site.run(&proxy, &DELETE, &[("GPU_NODE_GROUP_NAME", "gpu-compute-a")]));
    assert_eq!(site.bed.nodes(), before);
}

#[test]
fn quotas_are_asked_for_before_anything_is_made() {
    let site = Site::new(206, "a");
    let proxy = straight();
    let create =
        |proxy: &Proxy, more: &[(&str, &str)]| site.run(proxy, &["gpu", "create", "--dry-run"], more);
    // 192 vCPUs each, and the account may have 4000.
    assert_eq!(create(&proxy, &[("GPU_MAX_SIZE", "20")]).code, Some(0));
    let told = create(&proxy, &[("GPU_MAX_SIZE", "21")]);
    assert_eq!(told.code, Some(2), "{told:?}");
    let more = "aws service-quotas request-service-quota-increase --region us-west-2 --service-code ec2 --quota-code \
                L-417A185B --desired-value 4032";
    assert!(told.err.contains("allows 4000 vCPUs in us-west-2") && told.err.contains(more), "{told:?}");
    let told = site.run(&proxy, &["doctor"], &[("GPU_MAX_SIZE", "21")]);
    assert!(told.out.contains("error    EC2 quota") && told.out.contains("--desired-value 4032"), "{told:?}");

    // What runs in the family counts, of whatever size; other families, and what is no longer there, do not.
    let run = |kind: &str| {
        json!(["ec2", "run_instances", { "ImageId": "ami-0123456789abcdef0", "InstanceType": kind,
        "MinCount": 1, "MaxCount": 1 }])
    };
    let started = site.bed.calls(&json!([run("p4d.24xlarge"), run("p5.48xlarge"), run("g6e.48xlarge")]));
    let told = create(&proxy, &[("GPU_MAX_SIZE", "20")]);
    assert!(told.err.contains("need 3840 beside 288 that run already"), "{told:?}");
    site.bed.calls(&json!([["ec2", "terminate_instances",
        { "InstanceIds": [started[0]["Instances"][0]["InstanceId"], started[1]["Instances"][0]["InstanceId"]] }]]));
    assert_eq!(create(&proxy, &[("GPU_MAX_SIZE", "20")]).code, Some(0));
    let increase = json!({ "ServiceCode": "ec2", "QuotaCode": "L-417A185B", "DesiredValue": 4032.0 });
    site.bed.calls(&json!([["service-quotas", "request_service_quota_increase", increase]]));
    assert_eq!(create(&proxy, &[("GPU_MAX_SIZE", "21")]).code, Some(0));

    // Nothing was ever applied: the default holds. A reservation has its vCPUs already.
    let told = create(&proxy, &[("GPU_CAPACITY", "spot")]);
    assert!(told.err.contains("L-C4BD4855 (All P5 Spot Instance Requests) allows 0 vCPUs"), "{told:?}");
    let id = site.block();
    let block = [("GPU_CAPACITY", "capacity-block"), ("GPU_CAPACITY_RESERVATION_ID", id.as_str())];
    let told = create(&proxy, &[block[0], block[1], ("GPU_MAX_SIZE", "200")]);
    assert!(told.code == Some(0) && told.out.contains("counted when it was bought"), "{told:?}");

    // Who may not ask is told that it was not asked, and goes on.
    for denied in ["GetServiceQuota", "DescribeInstances"] {
        let proxy = Proxy::start(move |number, call| match call.operation.as_str() {
            operation if operation == denied => Fault::Deny,
            "GetServiceQuota" if number % 2 == 0 => Fault::Throttle,
            _ => Fault::None,
        });
        let (proxy, small) = (proxy.unwrap(), [("GPU_MAX_SIZE", "2")]);
        let told = create(&proxy, &small);
        assert_eq!((told.code, proxy.mutating()), (Some(0), 0), "{told:?}");
        assert!(
            told.err.contains("quota could not be checked")
                && told.err.contains(&format!("{denied}: AccessDenied")),
            "{told:?}"
        );
        let told = site.run(&proxy, &["doctor"], &small);
        assert!(told.out.contains("unknown  EC2 quota"), "{told:?}");
    }

    // It is signed as AWS wants it.
    let calls = proxy.calls();
    let call = calls.iter().find(|call| call.operation == "GetServiceQuota").unwrap();
    let asked = json!([{ "service": "servicequotas", "headers": call.headers, "body": call.body }]);
    let (_, signature) = call.headers["authorization"].rsplit_once("Signature=").unwrap();
    assert_eq!(site.bed.signatures(&asked)[0], signature, "{call:?}");
    let forms =
        json!([["service-quotas", "get_service_quota", { "ServiceCode": "ec2", "QuotaCode": "L-417A185B" }]]);
    let theirs: Value = serde_json::from_str(site.bed.forms(&forms)[0].as_str().unwrap()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&call.body).unwrap(), theirs);
}

#[test]
fn what_cannot_work_is_told_before_anything_is_made() {
    let site = Site::new(203, "ab");
    let proxy = straight();
    let refused = |code: i32, more: &[(&str, &str)], words: &[&str], say: &[&str]| {
        let told = site.run(&proxy, &[&CREATE[..3], words].concat(), more);
        assert_eq!(told.code, Some(code), "{told:?}");
        for said in say {
            assert!(told.err.contains(said), "{said} is not in {told:?}");
        }
    };
    let zones = format!("{} in us-west-2a; {} in us-west-2b", site.subnets[0], site.subnets[1]);
    refused(2, &[], &[], &[&zones, "--per-az makes a node group for each zone"]);
    let (a, b) = (site.subnets[0].as_str(), site.subnets[1].as_str());
    let only = ("GPU_SUBNET_B", "");
    refused(
        2,
        &[only, ("GPU_MAX_SIZE", "300")],
        &[],
        &["GPU_MAX_SIZE: gpu-compute may grow by 300 nodes of 1 addresses each, and there is room for 251"],
    );
    let combined = ("GPU_EFA_LAYOUT", "combined");
    refused(
        2,
        &[only, combined, ("GPU_MAX_SIZE", "16")],
        &[],
        &["16 addresses each, and there is room for 15"],
    );
    // Both at once, and every mistake.
    refused(
        2,
        &[only, ("GPU_INSTANCE_TYPE", "p4d.24xlarge"), ("GPU_MAX_SIZE", "300")],
        &[],
        &[
            "p4d.24xlarge is not offered in us-west-2a",
            "it is offered in no zone",
            "room for 251",
            "300 nodes of p4d.24xlarge need 28800; take a smaller size",
        ],
    );
    refused(
        2,
        &[("GPU_SUBNET_A", "subnet-0123456789abcdef0"), only],
        &[],
        &["GPU_SUBNET_A: there is no subnet subnet-0123456789abcdef0"],
    );
    refused(2, &[only, ("GPU_ZONE", "us-west-2b")], &[], &["is in us-west-2a, not in GPU_ZONE = us-west-2b"]);
    refused(
        2,
        &[only, ("GPU_PLACEMENT_GROUP", "near")],
        &[],
        &["GPU_PLACEMENT_GROUP: there is no placement group near"],
    );
    let own = [
        only,
        ("GPU_SECURITY_GROUP", "sg-0123456789abcdef0"),
        ("CLUSTER_SECURITY_GROUP", "sg-0123456789abcdef1"),
    ];
    refused(2, &own, &[], &["GPU_SECURITY_GROUP: there is no security group sg-0123456789abcdef0"]);
    assert_eq!(proxy.mutating(), 0);

    // What others made by our names.
    site.bed.calls(&json!([["ec2", "create_launch_template",
        { "LaunchTemplateName": "research-gpu-compute-a", "LaunchTemplateData": { "InstanceType": "p5.48xlarge" } }]]));
    let theirs = site.bed.nodes();
    refused(
        4,
        &[],
        &["--per-az"],
        &["left alone: launch-template/research-gpu-compute-a exists and is nobody's"],
    );
    let after = site.bed.nodes();
    assert_eq!(after.0["node-group/gpu-compute-b"]["subnets"], json!([b]), "{after:?} {a}");
    assert!(!after.0.contains_key("node-group/gpu-compute-a"));
    done(&site.run(&proxy, &DELETE, &[]));
    assert_eq!(site.bed.nodes(), theirs);
}
