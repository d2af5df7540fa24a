//! moto beside ministack: IAM, STS, SQS, EventBridge and EC2 are asked of the one, EKS of the other.
//!
//! Left out: EKS, as moto 5.2 has no add-ons, Pod Identity associations and access entries, and does not say which VPC a
//! cluster is in, which is said for it here; so the node group of a launch template, as no EKS knows the other's
//! templates; EC2's placement groups, which are made in ministack; S3's buckets.

use std::collections::BTreeMap;

use gpunode_tests::aws::{Bed, Inventory, Moto, Proxy, Told};
use serde_json::{Value, json};

use crate::{ALL, Variables, straight_proxy};

const CLUSTER: &str = "research";

/// An account whose services are with moto but for EKS.
struct Both {
    bed: Bed,
    moto: Moto,
    here: Proxy,
}

impl Both {
    fn run(&self, words: &[&str], variables: &Variables<'_>) -> Told {
        let more = self.moto.variables();
        let more = more.iter().map(|(name, url)| (*name, url.as_str()));
        self.bed.run_through(&self.here, words, &variables.iter().copied().chain(more).collect::<Vec<_>>())
    }

    fn mutating(&self) -> [usize; 2] {
        [self.moto.proxy().mutating(), self.here.mutating()]
    }
}

#[test]
fn both_emulators_read_our_calls_alike() {
    let (plain, bed) = (Bed::new(31), Bed::new(32));
    let moto = Moto::start(&bed);
    let mut both = Both { bed, moto, here: straight_proxy() };
    let before = both.moto.inventory(&both.bed, CLUSTER);
    let told = both.run(&["apply", "--yes"], &ALL);
    assert_eq!(told.code, Some(0), "{told:?}");
    let calls = both.mutating();
    assert!(calls[0] > 20 && calls[1] > 5, "{calls:?}");
    assert_eq!(plain.run(&["apply", "--yes"], &ALL).code, Some(0));
    same(&both.moto.inventory(&both.bed, CLUSTER), both.bed.account(), &plain.inventory(), plain.account());

    let told = both.run(&["apply", "--yes"], &ALL);
    assert_eq!((told.code, both.mutating()), (Some(0), calls), "{told:?}");
    let told = both.run(&["destroy", "--yes"], &ALL);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(both.moto.inventory(&both.bed, CLUSTER), before);
    what_nodes_are_made_of(&mut both);
}

/// The same things, each with the same in it, but for the accounts' numbers.
fn same(one: &Inventory, account: &str, other: &Inventory, others: &str) {
    let plain = |inventory: &Inventory, account: &str| {
        let each = |(name, value): (&String, &Value)| {
            (name.replace(account, "ACCOUNT"), value.to_string().replace(account, "ACCOUNT"))
        };
        inventory.0.iter().map(each).collect::<BTreeMap<_, _>>()
    };
    let (one, other) = (plain(one, account), plain(other, others));
    for name in one.keys().chain(other.keys()) {
        assert_eq!(one.get(name), other.get(name), "{name}");
    }
}

/// All but the node group, which is told as what failed.
fn what_nodes_are_made_of(both: &mut Both) {
    let zone = json!([["ec2", "describe_subnets",
        { "Filters": [{ "Name": "availability-zone", "Values": ["us-west-2a"] }] }]]);
    let subnet = both.moto.calls(&both.bed, &zone)[0]["Subnets"][0].clone();
    let (vpc, id) = (subnet["VpcId"].as_str().unwrap(), subnet["SubnetId"].as_str().unwrap());
    both.here = Proxy::for_vpc(vpc).unwrap();
    let on = [
        ("VPC_ID", vpc),
        ("GPU_SUBNET_A", id),
        ("GPU_SUBNET_B", ""),
        ("GPU_CREATE_SECURITY_GROUP", "1"),
        ("GPU_CREATE_PLACEMENT_GROUP", "1"),
    ];
    let before = both.moto.nodes(&both.bed, CLUSTER);
    let told = both.run(&["gpu", "create", "--yes", "--json"], &on);
    assert_eq!(told.code, Some(5), "{told:?}");
    let mut outcomes = told.json()["outcomes"].as_object().unwrap().clone();
    let group = outcomes.remove("eks-node-group/gpu-compute").unwrap();
    assert!(group["why"].as_str().unwrap().contains("Launch template"), "{group}");
    assert_eq!(outcomes.len(), 4, "{outcomes:?}");
    assert!(outcomes.values().all(|outcome| outcome["outcome"] == "changed"), "{outcomes:?}");
    let made = both.moto.nodes(&both.bed, CLUSTER);
    let data = &made.0["template/research-gpu-compute"]["data"];
    assert_eq!(data["InstanceType"], "p5en.48xlarge");
    let interfaces = data["NetworkInterfaces"].as_array().unwrap();
    assert_eq!(interfaces.iter().filter(|found| found["InterfaceType"] == "efa-only").count(), 16, "{data}");

    let calls = both.moto.proxy().mutating();
    let told = both.run(&["gpu", "create", "--yes", "--json"], &on);
    assert_eq!((told.code, both.moto.proxy().mutating()), (Some(5), calls), "{told:?}");
    let larger = [&on[..], &[("GPU_ROOT_VOLUME_SIZE", "300")]].concat();
    let told = both.run(&["gpu", "create", "--yes", "--json"], &larger);
    assert_eq!((told.code, both.moto.proxy().mutating()), (Some(5), calls + 2), "{told:?}");
    let grown = both.moto.nodes(&both.bed, CLUSTER);
    assert_ne!(grown.0["template/research-gpu-compute"], made.0["template/research-gpu-compute"]);
    let told = both.run(&["gpu", "delete", "--yes", "--json"], &on);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(both.moto.nodes(&both.bed, CLUSTER), before);
}
