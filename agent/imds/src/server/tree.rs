//! The paths that EC2 serves for given metadata.

use std::collections::BTreeMap;

use gpunode_host::metadata::{Eni, Identity, Metadata};
use serde_json::json;

/// The tree that EC2 would serve: path below `/latest/` to its bytes. An interface without addresses gets no
/// `local-ipv4s`, as EFA-only interfaces have none. Since a tree holds leaves only, an empty set of tags looks
/// like tags that are off.
pub fn tree(metadata: &Metadata, user_data: Option<&[u8]>) -> BTreeMap<String, Vec<u8>> {
    let mut leaves = Leaves::default();
    identity(&mut leaves, &metadata.identity);
    for eni in &metadata.enis {
        interface(&mut leaves, eni);
    }
    for (name, device) in &metadata.block_devices {
        leaves.put(&format!("meta-data/block-device-mapping/{name}"), device);
    }
    for (key, value) in metadata.tags.iter().flatten() {
        leaves.put(&format!("meta-data/tags/instance/{key}"), value);
    }
    if let Some(primary) = metadata.enis.iter().find(|eni| eni.network_card == 0 && eni.device_index == 0) {
        leaves.put("meta-data/mac", &primary.mac);
    }
    if let Some(bytes) = user_data {
        leaves.0.insert("user-data".to_owned(), bytes.to_vec());
    }
    leaves.0
}

#[derive(Default)]
struct Leaves(BTreeMap<String, Vec<u8>>);

impl Leaves {
    fn put(&mut self, path: &str, value: &str) {
        self.0.insert(path.to_owned(), value.as_bytes().to_vec());
    }

    fn put_some(&mut self, path: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.put(path, value);
        }
    }
}

fn identity(leaves: &mut Leaves, identity: &Identity) {
    let document = json!({
        "accountId": identity.account_id,
        "architecture": identity.architecture,
        "availabilityZone": identity.availability_zone,
        "imageId": identity.image_id,
        "instanceId": identity.instance_id,
        "instanceType": identity.instance_type,
        "privateIp": identity.private_ip,
        "region": identity.region,
        "version": "2017-09-30",
    });
    leaves.put("dynamic/instance-identity/document", &format!("{document:#}"));
    leaves.put("meta-data/ami-id", &identity.image_id);
    leaves.put("meta-data/instance-id", &identity.instance_id);
    leaves.put("meta-data/instance-type", &identity.instance_type);
    leaves.put("meta-data/placement/availability-zone", &identity.availability_zone);
    leaves.put("meta-data/placement/region", &identity.region);
    leaves.put_some("meta-data/placement/availability-zone-id", identity.availability_zone_id.as_deref());
    leaves.put_some("meta-data/placement/group-name", identity.placement_group.as_deref());
    leaves.put_some("meta-data/instance-life-cycle", identity.life_cycle.as_deref());
    leaves.put_some("meta-data/local-ipv4", identity.private_ip.as_deref());
}

fn interface(leaves: &mut Leaves, eni: &Eni) {
    let mut put = |leaf: &str, value: &str| {
        leaves.put(&format!("meta-data/network/interfaces/macs/{}/{leaf}", eni.mac), value);
    };
    put("device-number", &eni.device_index.to_string());
    put("interface-id", &eni.eni_id);
    put("mac", &eni.mac);
    put("network-card", &eni.network_card.to_string());
    put("subnet-id", &eni.subnet_id);
    if !eni.ipv4.is_empty() {
        put("local-ipv4s", &eni.ipv4.join("\n"));
    }
    if !eni.ipv6.is_empty() {
        put("ipv6s", &eni.ipv6.join("\n"));
    }
}
