use super::*;

fn row(name: &str) -> InstanceType {
    find(name).expect(name)
}

#[test]
fn every_line_is_the_same_as_the_whole_file_parsed() {
    let document: serde_json::Value = serde_json::from_str(&DOCUMENT).unwrap();
    let types = document["types"].as_object().unwrap();
    assert_eq!(names().collect::<Vec<_>>(), types.keys().map(String::as_str).collect::<Vec<_>>());
    for (name, json) in types {
        let whole: InstanceType = serde_json::from_value(json.clone()).expect(name);
        assert_eq!(row(name), InstanceType { name: name.clone(), ..whole });
    }
    assert_eq!(all().count(), types.len());
    for key in ["source", "sourceVersion", "date", "refresh"] {
        assert!(document[key].is_string(), "{key}");
    }
}

#[test]
fn every_row_agrees_with_itself() {
    for kind in all() {
        let name = &kind.name;
        assert!(
            kind.cards.iter().zip(0..).all(|(card, index)| card.index == index),
            "{name}: cards in order"
        );
        assert!(
            kind.cards[0].supports(InterfaceKind::Interface),
            "{name}: card 0 holds the primary interface"
        );
        let efa_cards = kind.cards.iter().filter(|card| card.supports_efa()).count();
        assert_eq!(kind.efa_max as usize, efa_cards, "{name}: one EFA device for each card that can");
        assert!(kind.cards.iter().all(|card| card.max_interfaces > 0), "{name}");
        assert!(!kind.usage.is_empty(), "{name}");
        assert!(kind.gpu_count() > 0, "{name}: a GPU, or a part of one");
        for gpu in &kind.gpus {
            assert_eq!(gpu.manufacturer, "NVIDIA", "{name}");
            assert_eq!(gpu.count == 0, gpu.partition.is_some(), "{name}: a fraction or whole GPUs");
        }
        assert!(kind.disks.iter().all(|disks| disks.nvme && disks.gb > 0 && disks.count > 0), "{name}");
        assert_eq!(kind.hypervisor == Hypervisor::None, name.split_once('.').unwrap().1 == "metal", "{name}");
        assert!(
            kind.note.is_some() || (kind.vcpus.is_some() && kind.ebs.is_some()),
            "{name}: unconfirmed without a note"
        );
    }
}

#[test]
fn the_counts_are_those_of_ec2() {
    // Name, cards, EFA, GPUs, Gbit/s for each EFA, disks.
    for (name, cards, efa, gpus, gbps, disks) in [
        ("p3dn.24xlarge", 1, 1, 8, 100.0, 2),
        ("p4d.24xlarge", 4, 4, 8, 100.0, 8),
        ("p4de.24xlarge", 4, 4, 8, 100.0, 8),
        ("p5.4xlarge", 1, 1, 1, 100.0, 1),
        ("p5.48xlarge", 32, 32, 8, 100.0, 8),
        ("p5e.48xlarge", 32, 32, 8, 100.0, 8),
        ("p5en.48xlarge", 16, 16, 8, 200.0, 8),
        ("p6-b200.48xlarge", 8, 8, 8, 400.0, 8),
        ("p6-b300.48xlarge", 17, 16, 8, 400.0, 8),
        ("g4dn.metal", 1, 1, 8, 100.0, 2),
        ("g5.48xlarge", 1, 1, 8, 100.0, 2),
        ("g6e.24xlarge", 2, 2, 4, 100.0, 2),
        ("g6e.48xlarge", 4, 4, 8, 100.0, 4),
        ("g7.48xlarge", 2, 2, 8, 350.0, 2),
        ("g7e.48xlarge", 4, 4, 8, 400.0, 4),
        ("gr6.8xlarge", 1, 1, 1, 25.0, 2),
    ] {
        let kind = row(name);
        assert_eq!(kind.cards.len(), cards, "{name}");
        assert_eq!(kind.expected_efa(), Some(efa), "{name}");
        assert_eq!(kind.gpu_count(), gpus, "{name}");
        assert!((kind.gbps_per_efa().unwrap() - gbps).abs() < 0.01, "{name}: {:?}", kind.gbps_per_efa());
        assert_eq!(kind.disk_count(), disks, "{name}");
    }
}

#[test]
fn the_first_card_of_b300_has_no_efa() {
    let kind = row("p6-b300.48xlarge");
    assert_eq!(kind.cards[0].kinds, [InterfaceKind::Interface]);
    assert!(kind.cards[1..].iter().all(|card| card.supports(InterfaceKind::EfaOnly)));
}

#[test]
fn small_and_fractional_types_have_no_efa() {
    for name in [
        "g4dn.xlarge",
        "g5.4xlarge",
        "g6.xlarge",
        "g5g.16xlarge",
        "gr6.4xlarge",
        "g6f.xlarge",
        "gr6f.4xlarge",
    ] {
        let kind = row(name);
        assert_eq!(
            (kind.expected_efa(), kind.gbps_per_efa(), kind.rdma_read()),
            (Some(0), None, Some(false)),
            "{name}"
        );
    }
    let part = row("g6f.large");
    assert_eq!((part.gpus[0].count, part.gpus[0].logical, part.gpus[0].partition), (0, 1, Some(0.125)));
}

#[test]
fn an_ultraserver_says_what_is_not_confirmed() {
    let kind = row("p6e-gb200.36xlarge");
    assert_eq!((kind.arch, kind.vcpus, kind.memory_mib), (Architecture::Arm64, None, None));
    assert_eq!((kind.efa_max, kind.expected_efa(), kind.gpu_count()), (16, None, 4));
    assert_eq!((kind.nvswitch, kind.needs_fabric_manager()), (NvSwitch::UltraServer, false));
    assert!(
        kind.cards[1..].iter().all(|card| card.max_interfaces == if card.index % 2 == 0 { 2 } else { 1 })
    );
}

#[test]
fn what_follows_from_the_type() {
    use DriverFlavour::{Grid, Open, Proprietary};
    // Name, family, GPUDirect, RDMA read, flavour, fabric manager.
    for (name, family, gpudirect, rdma, flavour, fabric) in [
        ("p3dn.24xlarge", "p3dn", false, Some(false), Proprietary, false),
        ("p4d.24xlarge", "p4d", true, Some(true), Open, true),
        ("p5.4xlarge", "p5", false, Some(true), Open, false),
        ("p5.48xlarge", "p5", true, Some(true), Open, true),
        ("p5en.48xlarge", "p5en", true, Some(true), Open, true),
        ("p6-b200.48xlarge", "p6-b200", true, Some(true), Open, true),
        ("p6e-gb200.36xlarge", "p6e-gb200", true, Some(true), Open, false),
        ("g4dn.metal", "g4dn", false, Some(false), Proprietary, false),
        ("g5.48xlarge", "g5", false, Some(false), Proprietary, false),
        ("g6.48xlarge", "g6", false, None, Open, false),
        ("g6f.4xlarge", "g6f", false, Some(false), Grid, false),
        ("g7e.8xlarge", "g7e", false, None, Open, false),
        ("g7e.48xlarge", "g7e", true, None, Open, false),
    ] {
        let kind = row(name);
        assert_eq!(kind.family(), family);
        assert_eq!(kind.gpudirect_expected(), gpudirect, "{name}");
        assert_eq!(kind.rdma_read(), rdma, "{name}");
        assert_eq!(kind.driver_flavour(), flavour, "{name}");
        assert_eq!(kind.needs_fabric_manager(), fabric, "{name}");
    }
}

#[test]
fn a_name_that_is_no_type_is_none() {
    for name in
        ["", "p5", "p5.48xlarg", "m5.large", "source", "types", "\"", "p5.48xlarge\": {", " p5.48xlarge"]
    {
        assert_eq!(find(name), None, "{name:?}");
    }
}
