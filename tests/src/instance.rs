//! An instance as its metadata service tells of it.

use std::collections::BTreeMap;

use gpunode_host::metadata::{Eni, Identity, Metadata};

/// A p5.4xlarge with one interface.
pub fn p5_4xlarge() -> Metadata {
    Metadata {
        identity: Identity {
            instance_id: "i-0123456789abcdef0".to_owned(),
            instance_type: "p5.4xlarge".to_owned(),
            image_id: "ami-0123456789abcdef0".to_owned(),
            region: "us-west-2".to_owned(),
            availability_zone: "us-west-2c".to_owned(),
            availability_zone_id: Some("usw2-az3".to_owned()),
            account_id: "111122223333".to_owned(),
            architecture: "x86_64".to_owned(),
            private_ip: Some("10.0.3.17".to_owned()),
            life_cycle: Some("on-demand".to_owned()),
            placement_group: None,
        },
        enis: vec![Eni {
            mac: "02:00:00:00:00:00".to_owned(),
            eni_id: "eni-0123456789abcdef0".to_owned(),
            device_index: 0,
            network_card: 0,
            subnet_id: "subnet-0123456789abcdef0".to_owned(),
            ipv4: vec!["10.0.3.17".to_owned()],
            ipv6: Vec::new(),
        }],
        block_devices: BTreeMap::new(),
        tags: None,
    }
}
