//! Self-managed groups: an Auto Scaling group, with an instance profile and an access entry.

use std::collections::BTreeMap;

use gpunode_tests::aws::{Fault, Proxy, Told};
use serde_json::{Value, json};

use crate::site::{CREATE, DELETE, Site, done, pairs, straight};

/// An interface in each of three subnets, and two nodes.
const OWN: [(&str, &str); 6] = [
    ("GPU_NODE_GROUP_KIND", "self-managed"),
    ("GPU_AMI_ID", "ami-0123456789abcdef0"),
    ("GPU_ZONE", "us-west-2a"),
    ("GPU_DESIRED_SIZE", "2"),
    ("GPU_CREATE_SECURITY_GROUP", "1"),
    ("GPU_CREATE_PLACEMENT_GROUP", "1"),
];
const GROUP: &str = "research-gpu-compute";

fn run(site: &Site, proxy: &Proxy, words: &[&str], more: &[(&str, &str)]) -> Told {
    site.run(proxy, words, &[&OWN, more].concat())
}

/// The emulator has a few images of its own: this one's root is elsewhere than Amazon Linux has it.
fn images_that_do_not_fit_are_told(site: &Site, proxy: &Proxy) {
    let create = |more: &[(&str, &str)]| run(site, proxy, &["gpu", "create", "--dry-run"], more);
    let refused = |more: &[(&str, &str)], words: &str| {
        let told = create(more);
        assert!(told.code == Some(2) && told.err.contains(words), "{told:?}");
    };
    let absent = ("GPU_AMI_ID", "ami-00000000000000000");
    refused(&[absent], "GPU_AMI_ID: there is no image ami-00000000000000000 in us-west-2");
    let other = ("GPU_AMI_ID", "ami-0fedcba9876543210");
    refused(
        &[other],
        "GPU_ROOT_DEVICE: ami-0fedcba9876543210 has its root on /dev/sda1: GPU_ROOT_DEVICE=/dev/sda1",
    );
    assert_eq!(create(&[other, ("GPU_ROOT_DEVICE", "/dev/sda1")]).code, Some(0));
    refused(
        &[("GPU_ROOT_DEVICE", "/dev/sda1")],
        "has its root on /dev/xvda: GPU_ROOT_DEVICE=/dev/xvda is meant",
    );
}

#[test]
fn a_self_managed_group_is_made_once_repaired_changed_and_removed() {
    let site = Site::new(207, "aaa");
    let (proxy, before) = (straight(), site.bed.nodes());
    images_that_do_not_fit_are_told(&site, &proxy);
    assert_eq!(run(&site, &proxy, &["gpu", "create", "--dry-run"], &[]).code, Some(0));
    assert_eq!(proxy.mutating(), 0);
    let made = done(&run(&site, &proxy, &CREATE, &[]));
    assert_eq!(made["outcomes"].as_object().unwrap().len(), 7, "{made}");
    let right = site.bed.nodes();
    assert_eq!(
        right.0["access-entry/arn:aws:iam::000000000207:role/research-gpu-compute-node"]["type"],
        "EC2_LINUX"
    );
    assert_eq!(
        right.0["instance-profile/research-gpu-compute-node"]["roles"],
        json!(["research-gpu-compute-node"])
    );
    for (name, value) in right.0.iter().filter(|(name, _)| !before.0.contains_key(*name)) {
        assert_eq!(value["tags"]["gpunode.io/cluster"], "us-west-2/research/gpu-compute", "{name}: {value}");
    }
    spread(&site, &right.0[&format!("template/{GROUP}")]["data"]);
    sent(&site, &proxy);

    let calls = proxy.mutating();
    done(&run(&site, &proxy, &CREATE, &[]));
    assert_eq!(proxy.mutating(), calls, "{:?}", proxy.calls());
    let told = run(&site, &proxy, &["gpu", "status"], &[]);
    assert!(told.code == Some(0) && told.out.contains("2 of 2 nodes in service"), "{told:?}");
    let told = run(&site, &proxy, &["doctor"], &[]);
    assert!(told.out.contains("7 of 7 as they must be"), "{told:?}");

    drift(&site);
    assert_ne!(site.bed.nodes(), right);
    done(&run(&site, &proxy, &CREATE, &[]));
    assert_eq!(site.bed.nodes(), right);

    let larger = [("GPU_ROOT_VOLUME_SIZE", "300"), ("GPU_MAX_SIZE", "12"), ("GPU_MIN_SIZE", "1")];
    done(&run(&site, &proxy, &CREATE, &larger));
    let group = &site.bed.nodes().0[&format!("scaling-group/{GROUP}")];
    assert_eq!(group["sizes"], json!([1, 2, 12]));
    assert_eq!(group["template"], site.bed.nodes().0[&format!("template/{GROUP}")]["says"]);
    let told = run(&site, &proxy, &["gpu", "status"], &larger);
    assert!(told.out.contains("2 of 2 nodes in service, 2 of another template"), "{told:?}");

    // Whatever the settings say by now: with the group go the things of both kinds, and its instances before it.
    let calls = proxy.calls().len();
    done(&site.run(&proxy, &DELETE, &[]));
    assert_eq!(site.bed.nodes(), before);
    let ends = ["UpdateAutoScalingGroup", "DeleteAutoScalingGroup", "DeletePlacementGroup"];
    let done: Vec<_> = proxy
        .calls()
        .drain(calls..)
        .map(|call| call.operation)
        .filter(|name| ends.contains(&name.as_str()))
        .collect();
    assert_eq!(done, ends);
}

/// The first interface is in A, the first half of the others in B, the rest in C; each is on its network card.
fn spread(site: &Site, data: &Value) {
    let interfaces = data["NetworkInterfaces"].as_array().unwrap();
    let places: Vec<_> = interfaces.iter().map(|interface| interface["SubnetId"].as_str().unwrap()).collect();
    let [a, b, c] = [0, 1, 2].map(|place| site.subnets[place].as_str());
    assert_eq!(places, [&[a][..], &[b; 8], &[c; 8]].concat());
    let cards: Vec<_> = interfaces.iter().map(|it| it["NetworkCardIndex"].as_u64().unwrap()).collect();
    assert_eq!(cards, std::iter::once(0).chain(0..16).collect::<Vec<_>>());
    let kinds: Vec<_> = interfaces.iter().map(|it| it["InterfaceType"].as_str().unwrap()).collect();
    assert_eq!(kinds, [&["interface"][..], &["efa-only"; 16]].concat());
    assert_eq!(data["Placement"], json!({ "GroupName": GROUP }));
    assert_eq!(data["IamInstanceProfile"], json!({ "Name": "research-gpu-compute-node" }));
}

/// What Auto Scaling is told is what botocore makes of the same, and is signed so.
fn sent(site: &Site, proxy: &Proxy) {
    let calls = proxy.calls();
    let sent = calls.iter().find(|call| call.operation == "CreateAutoScalingGroup").unwrap();
    let ours = pairs(&sent.body);
    let keys = [
        ("gpunode.io/cluster", "us-west-2/research/gpu-compute"),
        ("k8s.io/cluster-autoscaler/enabled", "true"),
        ("k8s.io/cluster-autoscaler/node-template/label/eks.amazonaws.com/compute-type", "gpu"),
        ("k8s.io/cluster-autoscaler/node-template/label/nvidia.com/gpu", "true"),
        ("k8s.io/cluster-autoscaler/node-template/resources/vpc.amazonaws.com/efa", "16"),
        ("k8s.io/cluster-autoscaler/node-template/taint/nvidia.com/gpu", "true:NoSchedule"),
        ("k8s.io/cluster-autoscaler/research", "owned"),
        ("kubernetes.io/cluster/research", "owned"),
    ];
    let tags = (1..=keys.len()).map(|place| {
        let of = |name: &str| ours[&format!("Tags.member.{place}.{name}")].as_str();
        (of("Key"), of("Value"))
    });
    assert!(!ours.contains_key(&format!("Tags.member.{}.Key", keys.len() + 1)));
    let listed: Vec<_> = tags.collect();
    let mut sorted = listed.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, keys);
    let tag = |(key, value): &(&str, &str)| {
        json!({ "ResourceId": GROUP, "ResourceType": "auto-scaling-group", "Key": key,
        "Value": value, "PropagateAtLaunch": false })
    };
    let call = json!([["autoscaling", "create_auto_scaling_group", {
        "AutoScalingGroupName": GROUP, "MinSize": 0, "MaxSize": 10, "DesiredCapacity": 2, "VPCZoneIdentifier": site.subnets[0],
        "LaunchTemplate": { "LaunchTemplateId": ours["LaunchTemplate.LaunchTemplateId"], "Version": "1" },
        "Tags": listed.iter().map(tag).collect::<Vec<_>>(),
    }]]);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let theirs = site.bed.forms(&call)[0].as_object().unwrap().clone();
    let theirs: BTreeMap<_, _> = theirs.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    assert_eq!(ours, theirs);
    let asked = json!([{ "service": "autoscaling", "headers": sent.headers, "body": sent.body }]);
    let (_, signature) = sent.headers["authorization"].rsplit_once("Signature=").unwrap();
    assert_eq!(site.bed.signatures(&asked)[0], signature, "{sent:?}");
}

/// Changes every thing that managed groups do not have behind the installer's back.
fn drift(site: &Site) {
    let (role, tag) = ("research-gpu-compute-node", "k8s.io/cluster-autoscaler/enabled");
    site.bed.calls(&json!([
        ["autoscaling", "update_auto_scaling_group", { "AutoScalingGroupName": GROUP, "MaxSize": 3,
            "VPCZoneIdentifier": site.subnets[1] }],
        ["autoscaling", "delete_tags", { "Tags": [{ "ResourceId": GROUP, "ResourceType": "auto-scaling-group", "Key": tag }] }],
        ["iam", "remove_role_from_instance_profile", { "InstanceProfileName": role, "RoleName": role }],
        ["eks", "delete_access_entry", { "clusterName": "research",
            "principalArn": format!("arn:aws:iam::{}:role/{role}", site.bed.account()) }],
    ]));
}

#[test]
fn what_stands_in_the_way_of_a_self_managed_group_is_told() {
    let site = Site::new(208, "aaa");
    let proxy = straight();
    let refused = |code: i32, more: &[(&str, &str)], say: &str| {
        let told = run(&site, &proxy, &CREATE[..3], more);
        assert!(told.code == Some(code) && told.err.contains(say), "{say} is not in {told:?}");
    };
    // One address of each node in A, and with combined interfaces half of the others in B.
    refused(2, &[("GPU_MAX_SIZE", "252")], &format!("1 in {}, which has 251 free", site.subnets[0]));
    let combined = [("GPU_EFA_LAYOUT", "combined"), ("GPU_MAX_SIZE", "36")];
    refused(2, &combined, &format!("; 8 in {}, which has 251 free", site.subnets[2]));
    refused(2, &[("GPU_ZONE", "us-west-2b")], "is in us-west-2a, not in GPU_ZONE = us-west-2b");
    // What its nodes would be told of the cluster is not what EKS says.
    refused(
        2,
        &[("CLUSTER_ENDPOINT", "https://other")],
        "CLUSTER_ENDPOINT: is https://other, and EKS says https://one",
    );
    refused(
        2,
        &[("CLUSTER_CIDR", "10.0.0.0/16")],
        "CLUSTER_CIDR: is 10.0.0.0/16, and EKS says 10.100.0.0/16",
    );
    let other = Proxy::for_server("https://one", "Yg==").unwrap();
    let told = run(&site, &other, &CREATE[..3], &[]);
    assert!(
        told.code == Some(2) && told.err.contains("CLUSTER_CA: is another one than EKS says"),
        "{told:?}"
    );
    let told = run(&site, &other, &["doctor"], &[]);
    assert!(
        told.out.contains("what nodes are told") && told.out.contains("CLUSTER_CA: is another"),
        "{told:?}"
    );
    assert_eq!((proxy.mutating(), other.mutating()), (0, 0));

    // The same group cannot be of both kinds.
    let before = site.bed.nodes();
    done(&site.run(&proxy, &CREATE, &[]));
    refused(2, &[], "GPU_NODE_GROUP_KIND: the managed node group gpu-compute is there");
    // EKS makes the access entry of a managed group's role, and removes it.
    let role = format!("arn:aws:iam::{}:role/research-gpu-compute-node", site.bed.account());
    let entry = json!({ "clusterName": "research", "principalArn": role });
    let made = json!({ "clusterName": "research", "principalArn": role, "type": "EC2_LINUX" });
    site.bed.calls(&json!([["eks", "create_access_entry", made]]));
    done(&run(&site, &proxy, &DELETE, &[]));
    site.bed.calls(&json!([["eks", "delete_access_entry", entry]]));
    assert_eq!(site.bed.nodes(), before);

    // And the other way round, also as a plan, before anything is made.
    done(&run(&site, &proxy, &CREATE, &[]));
    let (before_them, calls) = (site.bed.nodes(), proxy.mutating());
    for words in [&CREATE[..], &["gpu", "create", "--dry-run", "--json"]] {
        let told = site.run(&proxy, words, &[]);
        assert_eq!(told.code, Some(2), "{told:?}");
        let said = "GPU_NODE_GROUP_KIND: the self-managed node group gpu-compute is there (Auto Scaling group research-gpu-compute): \
                    installer gpu delete removes it first";
        assert!(told.err.contains(said), "{told:?}");
    }
    assert_eq!((site.bed.nodes(), proxy.mutating()), (before_them, calls));
    done(&site.run(&proxy, &DELETE, &[]));
    assert_eq!(site.bed.nodes(), before);

    // What others made by our name is left alone.
    site.bed.calls(&json!([
        ["autoscaling", "create_launch_configuration", { "LaunchConfigurationName": "theirs" }],
        ["autoscaling", "create_auto_scaling_group", { "AutoScalingGroupName": GROUP, "MinSize": 0, "MaxSize": 1,
            "LaunchConfigurationName": "theirs", "AvailabilityZones": ["us-west-2a"] }],
    ]));
    refused(4, &[], &format!("left alone: auto-scaling-group/{GROUP} exists and is nobody's"));
    done(&run(&site, &proxy, &DELETE, &[]));
    let left = site.bed.calls(&json!([["autoscaling", "describe_auto_scaling_groups", {}]]));
    assert_eq!(left[0]["AutoScalingGroups"][0]["MaxSize"], 1, "{left}");
    assert_eq!(site.bed.nodes().0.len(), before.0.len() + 1);
}

#[test]
fn a_self_managed_group_comes_to_its_end_through_trouble_and_kills() {
    let plain = Site::new(209, "a");
    done(&run(&plain, &straight(), &CREATE, &[]));
    let right = plain.normal();
    let site = Site::new(210, "a");
    let before = site.bed.nodes();
    for words in [&CREATE, &DELETE] {
        let trouble = Proxy::start(|number, _| match number % 13 {
            5 => Fault::Throttle,
            8 => Fault::LoseAnswer,
            11 => Fault::Broken,
            _ => Fault::None,
        });
        done(&run(&site, &trouble.unwrap(), words, &[]));
        if words == &CREATE {
            assert_eq!(site.normal(), right);
        }
    }
    assert_eq!(site.bed.nodes(), before);
    let subnet = [("GPU_SUBNET_A", site.subnets[0].as_str())];
    for words in [&CREATE, &DELETE] {
        for kills in 0.. {
            assert!(kills < 40, "it comes to no end");
            let told = site.bed.killed(2, kills % 3 != 2, words, &[&OWN[..], &subnet].concat());
            assert!(matches!(told.code, None | Some(0)), "{told:?}");
            if told.code == Some(0) {
                break;
            }
        }
        if words == &CREATE {
            assert_eq!(site.normal(), right);
        }
    }
    assert_eq!(site.bed.nodes(), before);
}
