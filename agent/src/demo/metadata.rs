//! What the demo machine's metadata service says: an instance of the type with AWS's current network layout.

use std::collections::BTreeMap;

use gpunode_host::catalog::{Architecture, InstanceType, InterfaceKind, NetworkCard};
use gpunode_host::metadata::{Eni, Identity, Metadata};

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
            architecture: match kind.arch {
                Architecture::X86_64 => "x86_64".to_owned(),
                Architecture::Arm64 => "arm64".to_owned(),
            },
            private_ip: Some("10.0.3.17".to_owned()),
            life_cycle: Some("on-demand".to_owned()),
            placement_group: None,
        },
        enis: enis(kind),
        block_devices: BTreeMap::from([
            ("ami".to_owned(), "/dev/xvda".to_owned()),
            ("root".to_owned(), "/dev/xvda".to_owned()),
        ]),
        tags: None,
    }
}

/// Card 0 device 0 with the address, and one EFA-only interface on every card that can: beside it on card 0, device 0
/// on the others. Source: EC2 User Guide, "Maximize network bandwidth on Amazon EC2 instances with multiple network
/// cards".
fn enis(kind: &InstanceType) -> Vec<Eni> {
    let primary = eni(0, 0, vec!["10.0.3.17".to_owned()]);
    let efa_only = efa_cards(kind).map(|card| eni(card.index, u32::from(card.index == 0), Vec::new()));
    std::iter::once(primary).chain(efa_only).collect()
}

/// The network cards that carry an EFA interface.
pub(super) fn efa_cards(kind: &InstanceType) -> impl Iterator<Item = &NetworkCard> {
    let able = kind.cards.iter().filter(|card| card.supports(InterfaceKind::EfaOnly));
    able.take(usize::try_from(kind.efa_max).unwrap_or(usize::MAX))
}

/// The address of the interface at a place; 02 is the locally administered range.
pub(super) fn mac(card: u32, device: u32) -> String {
    format!("02:00:00:00:{card:02x}:{device:02x}")
}

fn eni(card: u32, device: u32, ipv4: Vec<String>) -> Eni {
    Eni {
        mac: mac(card, device),
        eni_id: format!("eni-0demo{card:04}{device:08}"),
        device_index: device,
        network_card: card,
        subnet_id: "subnet-0demo0000000001".to_owned(),
        ipv4,
        ipv6: Vec::new(),
    }
}
