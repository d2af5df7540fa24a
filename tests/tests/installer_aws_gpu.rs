//! `installer gpu` against an emulator of AWS: node groups with all that they are made of.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gpunode_tests::aws::{Bed, Fault, Inventory, Proxy, Told};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// The emulator's one VPC for every cluster.
const VPC: &str = "vpc-00000000";
/// Everything is made: a security group, a placement group, a template, a node group that EKS repairs.
const ALL: [(&str, &str); 3] =
    [("GPU_CREATE_SECURITY_GROUP", "1"), ("GPU_CREATE_PLACEMENT_GROUP", "1"), ("EKS_REPAIR", "1")];
const CREATE: [&str; 4] = ["gpu", "create", "--yes", "--json"];
const DELETE: [&str; 4] = ["gpu", "delete", "--yes", "--json"];

/// An account with a cluster and a subnet in each of these zones, of 251 free addresses.
struct Site {
    bed: Bed,
    subnets: Vec<String>,
}

impl Site {
    fn new(number: u32, zones: &str) -> Self {
        let bed = Bed::new(number);
        let subnet = |(place, letter): (usize, char)| {
            json!(["ec2", "create_subnet", { "VpcId": VPC, "CidrBlock": format!("10.{number}.{place}.0/24"),
                "AvailabilityZone": format!("us-west-2{letter}") }])
        };
        let made = bed.calls(&zones.chars().enumerate().map(subnet).collect());
        let id = |made: &Value| made["Subnet"]["SubnetId"].as_str().unwrap().to_owned();
        let subnets = made.as_array().unwrap().iter().map(id).collect();
        Self { bed, subnets }
    }

    /// Runs it with these variables beside the subnets.
    fn run(&self, proxy: &Proxy, words: &[&str], more: &[(&str, &str)]) -> Told {
        let names = ["GPU_SUBNET_A", "GPU_SUBNET_B", "GPU_SUBNET_C"];
        let mut all: BTreeMap<_, _> =
            names.into_iter().zip(self.subnets.iter().map(String::as_str)).collect();
        all.extend(more.iter().copied());
        self.bed.run_through(proxy, words, &all.into_iter().collect::<Vec<_>>())
    }

    /// Ids differ from account to account.
    fn normal(&self) -> Inventory {
        let mut text =
            serde_json::to_string(&self.bed.nodes().0).unwrap().replace(self.bed.account(), "ACCOUNT");
        let groups =
            self.bed.calls(&json!([["ec2", "describe_security_groups", {}]]))[0]["SecurityGroups"].clone();
        for group in groups.as_array().unwrap() {
            let id = group["GroupId"].as_str().unwrap();
            text = text.replace(id, group["GroupName"].as_str().unwrap());
        }
        for (place, subnet) in self.subnets.iter().enumerate() {
            text = text.replace(subnet, &format!("subnet {place}"));
        }
        let cluster =
            self.bed.calls(&json!([["eks", "describe_cluster", { "name": "research" }]]))[0].clone();
        let own = cluster["cluster"]["resourcesVpcConfig"]["clusterSecurityGroupId"].as_str().unwrap();
        let mut found: BTreeMap<String, Value> = serde_json::from_str(&text.replace(own, "cluster")).unwrap();
        // Sums are of data with ids in it.
        for (name, value) in &mut found {
            if name.starts_with("template/") {
                value["says"] = Value::Null;
            }
            if name.starts_with("node-group/") {
                value["template"] =
                    json!(value["template"].as_str().is_some_and(|said| said.starts_with("gpunode")));
            }
        }
        Inventory(found)
    }
}

fn straight() -> Proxy {
    Proxy::start(|_, _| Fault::None).unwrap()
}

fn done(told: &Told) -> Value {
    assert_eq!(told.code, Some(0), "{told:?}");
    told.json()
}

/// A form as names and values.
fn pairs(body: &str) -> BTreeMap<String, String> {
    let plain = |text: &str| {
        let bytes: Vec<u8> = text.bytes().collect();
        let (mut out, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            if bytes[at] == b'%' {
                out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
                at += 3;
            } else {
                out.push(bytes[at]);
                at += 1;
            }
        }
        String::from_utf8(out).unwrap()
    };
    body.split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

/// What EC2 is told is what botocore makes of the same data, by AWS's own model.
#[test]
fn the_template_is_sent_as_aws_s_model_has_it() {
    let site = Site::new(201, "a");
    let proxy = straight();
    let reserved =
        [("GPU_CAPACITY", "capacity-block"), ("GPU_CAPACITY_RESERVATION_ID", "cr-0123456789abcdef0")];
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
    for call in proxy.calls().iter().filter(|call| !call.body.is_empty() && call.body.contains("2016-11-15"))
    {
        let (_, signature) = call.headers["authorization"].rsplit_once("Signature=").unwrap();
        let theirs =
            site.bed.signature(&json!({ "service": "ec2", "headers": call.headers, "body": call.body }));
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
        told.out.contains("+ eks-node-group/gpu-compute") && told.out.contains("(1920 vCPUs)"),
        "{told:?}"
    );
    assert_eq!(site.run(&proxy, &["gpu", "status"], &ALL).code, Some(3));

    let made = done(&site.run(&proxy, &CREATE, &ALL));
    assert_eq!(made["outcomes"].as_object().unwrap().len(), 5, "{made}");
    let right = site.bed.nodes();
    let group = &right.0["node-group/gpu-compute"];
    assert_eq!(group["nodeRepairConfig"]["enabled"], true);
    assert_eq!(group["amiType"], "AL2023_x86_64_NVIDIA");
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

/// Changes every thing behind the installer's back.
fn drift(site: &Site) {
    let group = json!([{ "Name": "group-name", "Values": ["research-gpu-compute-efa"] }]);
    let found = site.bed.calls(&json!([["ec2", "describe_security_groups", { "Filters": group }]]));
    let group = found[0]["SecurityGroups"][0].clone();
    let name = "research-gpu-compute";
    let here = json!({ "clusterName": "research", "nodegroupName": "gpu-compute" });
    let with = |more: Value| {
        let mut all = here.as_object().unwrap().clone();
        all.extend(more.as_object().unwrap().clone());
        Value::Object(all)
    };
    site.bed.calls(&json!([
        ["ec2", "revoke_security_group_ingress", { "GroupId": group["GroupId"], "IpPermissions": group["IpPermissions"] }],
        ["ec2", "create_launch_template_version",
            { "LaunchTemplateName": name, "LaunchTemplateData": { "InstanceType": "p5.48xlarge" } }],
        ["ec2", "modify_launch_template", { "LaunchTemplateName": name, "DefaultVersion": "2" }],
        ["eks", "update_nodegroup_config", with(json!({ "scalingConfig": { "minSize": 1, "maxSize": 11, "desiredSize": 1 },
            "labels": { "removeLabels": ["nvidia.com/gpu"] }, "nodeRepairConfig": { "enabled": false },
            "taints": { "removeTaints": [{ "key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE" }] } }))],
        ["eks", "update_nodegroup_config", with(json!({ "scalingConfig": { "minSize": 0, "maxSize": 11, "desiredSize": 0 } }))],
        ["eks", "update_nodegroup_version", with(json!({ "launchTemplate": { "id":
            found_id(site, name), "version": "2" } }))],
    ]));
}

fn found_id(site: &Site, name: &str) -> Value {
    let asked = json!([["ec2", "describe_launch_templates", { "LaunchTemplateNames": [name] }]]);
    site.bed.calls(&asked)[0]["LaunchTemplates"][0]["LaunchTemplateId"].clone()
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
        &["p4d.24xlarge is not offered in us-west-2a", "it is offered in no zone", "room for 251"],
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
    let kind = [
        only,
        ("GPU_NODE_GROUP_KIND", "self-managed"),
        ("GPU_AMI_ID", "ami-0123456789abcdef0"),
        ("CLUSTER_ENDPOINT", "https://one"),
        ("CLUSTER_CA", "YQ=="),
        ("CLUSTER_CIDR", "10.0.0.0/16"),
        own[1],
        own[2],
    ];
    refused(2, &kind, &[], &["`installer render` writes it"]);
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

#[test]
fn throttled_broken_killed_it_ends_where_a_straight_run_does() {
    let plain = Site::new(204, "a");
    done(&plain.run(&straight(), &CREATE, &ALL));
    let right = plain.normal();
    let site = Site::new(205, "a");
    let before = site.bed.nodes();
    for words in [&CREATE, &DELETE] {
        let trouble = Proxy::start(|number, _| match number {
            // More in a row than one call has attempts.
            2 | 40 => Fault::Throttle,
            3 | 41 => Fault::Broken,
            4 | 42 => Fault::LoseAnswer,
            _ if number % 11 == 9 => Fault::Throttle,
            _ if number % 13 == 6 => Fault::LoseAnswer,
            _ if number % 17 == 12 => Fault::Close,
            _ if number % 19 == 7 => Fault::Broken,
            _ => Fault::None,
        });
        done(&site.run(&trouble.unwrap(), words, &ALL));
        if words == &CREATE {
            assert_eq!(site.normal(), right);
        }
    }
    assert_eq!(site.bed.nodes(), before);

    // At each of its mutating calls in turn, carried out or not.
    for (words, more) in [(&CREATE, &ALL[..]), (&CREATE, &[ALL[0], ALL[1], ALL[2], LARGER]), (&DELETE, &[])] {
        for kills in 0.. {
            assert!(kills < 40, "it comes to no end");
            if killed(&site, words, more, kills % 3 != 2).code == Some(0) {
                break;
            }
        }
        if more.len() == ALL.len() {
            assert_eq!(site.normal(), right);
        }
        let calm = straight();
        done(&site.run(&calm, words, more));
        assert_eq!(calm.mutating(), 0, "{:?}", calm.calls());
    }
    assert_eq!(site.bed.nodes(), before);
}

const LARGER: (&str, &str) = ("GPU_ROOT_VOLUME_SIZE", "300");

/// Runs it and kills it at its second mutating call, so that each run gets on by one; where it makes one only it comes
/// to its end.
fn killed(site: &Site, words: &[&str], more: &[(&str, &str)], carried_out: bool) -> Told {
    let (pid, seen) = (Arc::new(AtomicI32::new(0)), AtomicUsize::new(0));
    let victim = Arc::clone(&pid);
    let proxy = Proxy::start(move |_, call| {
        if !call.mutates || seen.fetch_add(1, Ordering::SeqCst) == 0 {
            return Fault::None;
        }
        let since = Instant::now();
        while victim.load(Ordering::SeqCst) == 0 && since.elapsed() < Duration::from_secs(60) {
            std::thread::yield_now();
        }
        let _ = kill(Pid::from_raw(victim.load(Ordering::SeqCst)), Signal::SIGKILL);
        if carried_out { Fault::LoseAnswer } else { Fault::Close }
    })
    .unwrap();
    let subnet = ("GPU_SUBNET_A", site.subnets[0].as_str());
    let child = site.bed.start(&proxy, words, &[more, &[subnet]].concat());
    pid.store(child.id().cast_signed(), Ordering::SeqCst);
    let told = Told::from(child.wait_with_output().unwrap());
    assert!(matches!(told.code, None | Some(0)), "{told:?}");
    told
}
