//! An account with subnets, and what is in it.

use std::collections::BTreeMap;

use gpunode_tests::aws::{Bed, Fault, Inventory, Proxy, Told};
use serde_json::{Value, json};

/// The emulator's one VPC for every cluster.
const VPC: &str = "vpc-00000000";
/// Everything is made: a security group, a placement group, a template, a node group that EKS repairs.
pub(crate) const ALL: [(&str, &str); 3] =
    [("GPU_CREATE_SECURITY_GROUP", "1"), ("GPU_CREATE_PLACEMENT_GROUP", "1"), ("EKS_REPAIR", "1")];
pub(crate) const CREATE: [&str; 4] = ["gpu", "create", "--yes", "--json"];
pub(crate) const DELETE: [&str; 4] = ["gpu", "delete", "--yes", "--json"];

/// An account with a cluster and a subnet in each of these zones, of 251 free addresses.
pub(crate) struct Site {
    pub(crate) bed: Bed,
    pub(crate) subnets: Vec<String>,
}

impl Site {
    pub(crate) fn new(number: u32, zones: &str) -> Self {
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
    pub(crate) fn run(&self, proxy: &Proxy, words: &[&str], more: &[(&str, &str)]) -> Told {
        let names = ["GPU_SUBNET_A", "GPU_SUBNET_B", "GPU_SUBNET_C"];
        let mut all: BTreeMap<_, _> =
            names.into_iter().zip(self.subnets.iter().map(String::as_str)).collect();
        all.extend(more.iter().copied());
        self.bed.run_through(proxy, words, &all.into_iter().collect::<Vec<_>>())
    }

    /// Ids differ from account to account.
    pub(crate) fn normal(&self) -> Inventory {
        let (Inventory(found), ids) = self.bed.nodes_and_ids();
        let mut text = serde_json::to_string(&found).unwrap().replace(self.bed.account(), "ACCOUNT");
        for (id, name) in ids.as_object().unwrap() {
            text = text.replace(id, name.as_str().unwrap());
        }
        for (place, subnet) in self.subnets.iter().enumerate() {
            text = text.replace(subnet, &format!("subnet {place}"));
        }
        let mut found: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
        // Sums are of data with ids in it.
        for (name, value) in &mut found {
            if name.starts_with("template/") {
                value["says"] = Value::Null;
            }
            if name.starts_with("node-group/") || name.starts_with("scaling-group/") {
                value["template"] =
                    json!(value["template"].as_str().is_some_and(|said| said.starts_with("gpunode")));
            }
        }
        Inventory(found)
    }
}

pub(crate) fn straight() -> Proxy {
    Proxy::start(|_, _| Fault::None).unwrap()
}

pub(crate) fn done(told: &Told) -> Value {
    assert_eq!(told.code, Some(0), "{told:?}");
    told.json()
}

/// A form as names and values.
pub(crate) fn pairs(body: &str) -> BTreeMap<String, String> {
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
