//! The real client against the real server: what goes into the tree comes back out.
#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, Ipv6Addr};

use gpunode_host::metadata::{Eni, Identity, Metadata};
use gpunode_imds::server::{Content, Server, tree};
use gpunode_imds::{Settings, fetch_blocking};
use proptest::prelude::*;

/// Type, network cards, and whether card 0 carries EFA: AWS's current layout puts one ENA interface at card 0
/// device 0, one EFA-only at card 0 device 1 where the card can, and one at device 0 of every further card.
const TYPES: [(&str, u32, bool); 3] =
    [("p5.48xlarge", 32, true), ("p5en.48xlarge", 16, true), ("p6-b300.48xlarge", 17, false)];

fn served(metadata: &Metadata, user_data: Option<&[u8]>) -> (Metadata, Option<Vec<u8>>) {
    let content = Content { tree: tree(metadata, user_data), files: None };
    let server = Server::start(([127, 0, 0, 1], 0).into(), content).unwrap();
    let got = fetch_blocking(Settings { endpoint: server.endpoint(), ..Settings::default() }).unwrap();
    assert!(got.reading.gaps.is_empty(), "{:?}", got.reading.gaps);
    (got.reading.metadata, got.user_data.unwrap())
}

fn identity(kind: &'static str) -> impl Strategy<Value = Identity> {
    let optional = |regex| proptest::option::of(proptest::string::string_regex(regex).unwrap());
    (
        "i-[0-9a-f]{17}",
        "ami-[0-9a-f]{17}",
        prop_oneof!["us-west-2", "eu-north-1", "us-gov-east-1"],
        "[a-f]",
        "[0-9]{12}",
        optional("usw2-az[1-4]"),
        proptest::option::of(any::<Ipv4Addr>()),
        proptest::option::of(prop_oneof!["on-demand", "spot", "capacity-block"]),
        optional("[!-~]([ -~]{0,60}[!-~])?"),
    )
        .prop_map(move |(id, image, region, zone, account, zone_id, ip, life_cycle, group)| Identity {
            instance_id: id,
            instance_type: kind.to_owned(),
            image_id: image,
            availability_zone: format!("{region}{zone}"),
            region,
            availability_zone_id: zone_id,
            account_id: account,
            architecture: "x86_64".to_owned(),
            private_ip: ip.map(|ip| ip.to_string()),
            life_cycle,
            placement_group: group,
        })
}

/// By card, then device; the interface with addresses first.
fn enis(cards: u32, efa_on_first: bool) -> impl Strategy<Value = Vec<Eni>> {
    let mut places = vec![(0, 0)];
    places.extend(efa_on_first.then_some((0, 1)));
    places.extend((1..cards).map(|card| (card, 0)));
    let ipv4 = proptest::collection::vec(any::<Ipv4Addr>(), 1..50);
    let ipv6 = proptest::collection::vec(any::<Ipv6Addr>(), 0..3);
    // In an order of their own, so that sorting by place is not sorting by address.
    let macs = proptest::collection::btree_set(any::<[u8; 5]>(), places.len())
        .prop_map(|set| set.into_iter().collect::<Vec<_>>())
        .prop_shuffle();
    (macs, ipv4, ipv6, "subnet-[0-9a-f]{17}").prop_map(move |(macs, ipv4, ipv6, subnet)| {
        let eni = |(mac, (card, device)): ([u8; 5], (u32, u32))| Eni {
            mac: mac.iter().fold("02".to_owned(), |mac, byte| format!("{mac}:{byte:02x}")),
            eni_id: mac.iter().fold("eni-0".to_owned(), |id, byte| format!("{id}{byte:02x}")),
            device_index: device,
            network_card: card,
            subnet_id: subnet.clone(),
            ..Eni::default()
        };
        let mut enis: Vec<Eni> = macs.into_iter().zip(places.clone()).map(eni).collect();
        enis[0].ipv4 = ipv4.iter().map(ToString::to_string).collect();
        enis[0].ipv6 = ipv6.iter().map(ToString::to_string).collect();
        enis
    })
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let devices = proptest::collection::btree_map("ami|root|ebs[1-9]", "/dev/(xvd|sd)[a-z]{1,2}", 0..4);
    let key = "[a-zA-Z0-9+=_:@-][a-zA-Z0-9+=.,_:@-]{0,30}";
    let tags = proptest::option::of(proptest::collection::btree_map(key, "\\PC{0,60}", 1..5));
    proptest::sample::select(&TYPES[..]).prop_flat_map(move |(kind, cards, efa_on_first)| {
        (identity(kind), enis(cards, efa_on_first), devices.clone(), tags.clone()).prop_map(
            |(identity, enis, block_devices, tags)| Metadata { identity, enis, block_devices, tags },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn metadata_comes_back(metadata in metadata(), user_data in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..16_384))) {
        let (read, data) = served(&metadata, user_data.as_deref());
        prop_assert_eq!(read, metadata);
        prop_assert_eq!(data, user_data);
    }
}

#[test]
fn interfaces_without_addresses_have_no_path_for_them() {
    let plain = Eni { mac: "02:00:00:00:00:01".into(), ipv4: vec!["10.0.0.1".into()], ..Eni::default() };
    let efa_only = Eni { mac: "02:00:00:00:00:02".into(), device_index: 1, ..Eni::default() };
    let metadata = Metadata { enis: vec![plain, efa_only], ..Metadata::default() };
    let tree = tree(&metadata, None);
    let macs = "meta-data/network/interfaces/macs";
    assert_eq!(tree[&format!("{macs}/02:00:00:00:00:01/local-ipv4s")], b"10.0.0.1");
    assert_eq!(tree[&format!("{macs}/02:00:00:00:00:02/device-number")], b"1");
    assert!(!tree.contains_key(&format!("{macs}/02:00:00:00:00:02/local-ipv4s")));
    assert!(!tree.contains_key(&format!("{macs}/02:00:00:00:00:02/ipv6s")));
}
