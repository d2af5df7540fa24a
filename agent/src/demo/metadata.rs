//! What the demo machine's metadata service says: an instance of the type with AWS's current network layout.

use std::collections::BTreeMap;

use gpunode_host::catalog::InstanceType;
use gpunode_host::metadata::{Identity, Metadata};
use gpunode_tree::Layout;

/// An instance of type `kind`, its numbers made up in a recognizable way.
pub(super) fn of(kind: &InstanceType) -> Metadata {
    Metadata {
        identity: Identity {
            instance_id: "i-0demo000000000001".to_owned(),
            instance_type: kind.name.clone(),
            image_id: "ami-0demo00000000001".to_owned(),
            region: "us-west-2".to_owned(),
            availability_zone: "us-west-2c".to_owned(),
            availability_zone_id: Some("usw2-az3".to_owned()),
            account_id: "111122223333".to_owned(),
            architecture: kind.arch.name().to_owned(),
            private_ip: Some("10.0.3.17".to_owned()),
            life_cycle: Some("on-demand".to_owned()),
            placement_group: None,
        },
        enis: gpunode_tree::enis(kind, Layout::EfaOnly),
        block_devices: BTreeMap::from([
            ("ami".to_owned(), "/dev/xvda".to_owned()),
            ("root".to_owned(), "/dev/xvda".to_owned()),
        ]),
        tags: None,
    }
}
