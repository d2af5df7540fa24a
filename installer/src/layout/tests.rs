use std::collections::BTreeSet;

use gpunode_host::catalog;

use super::*;

const LAYOUTS: [EfaLayout; 2] = [EfaLayout::EfaOnly, EfaLayout::Combined];

fn of(name: &str, layout: EfaLayout) -> Vec<(u32, u32, &'static str)> {
    let interfaces = interfaces(&catalog::find(name).unwrap(), layout, None).unwrap();
    interfaces.iter().map(|interface| (interface.card, interface.device, interface.api_type())).collect()
}

#[test]
fn one_more_than_the_efas_except_where_card_0_has_none() {
    // EKS User Guide, `ml/device-management-efa.adoc`, and the per-card table of DescribeInstanceTypes.
    for (name, efa_only, combined) in [
        ("p4d.24xlarge", 5, 4),
        ("p5.48xlarge", 33, 32),
        ("p5en.48xlarge", 17, 16),
        ("p6-b200.48xlarge", 9, 8),
        ("p6-b300.48xlarge", 17, 17),
        ("p6e-gb200.36xlarge", 17, 17),
        ("g5.xlarge", 1, 1),
    ] {
        assert_eq!(of(name, EfaLayout::EfaOnly).len(), efa_only, "{name}");
        assert_eq!(of(name, EfaLayout::Combined).len(), combined, "{name}");
    }
}

#[test]
fn each_layout_is_the_documented_one() {
    let current = of("p6-b200.48xlarge", EfaLayout::EfaOnly);
    assert_eq!(current[..3], [(0, 0, "interface"), (0, 1, "efa-only"), (1, 0, "efa-only")]);
    let older = of("p5.48xlarge", EfaLayout::Combined);
    assert_eq!((older[0], older[1], older[31]), ((0, 0, "efa"), (1, 1, "efa"), (31, 1, "efa")));
    let b300 = of("p6-b300.48xlarge", EfaLayout::EfaOnly);
    assert_eq!((b300[0], b300[1], b300[16]), ((0, 0, "interface"), (1, 0, "efa-only"), (16, 0, "efa-only")));
    let gb200 = of("p6e-gb200.36xlarge", EfaLayout::Combined);
    assert_eq!((gb200[0], gb200[1]), ((0, 0, "interface"), (1, 0, "efa-only")));
}

/// Every layout of every type with every number of EFA devices that it can have.
#[test]
fn whatever_is_asked_of_any_type_is_what_ec2_takes() {
    for kind in catalog::all() {
        for layout in LAYOUTS {
            for wanted in 0..=kind.efa_max {
                let interfaces = interfaces(&kind, layout, Some(wanted)).unwrap();
                let what = format!("{} {layout} {wanted}", kind.name);
                check(&kind, &interfaces, &what);
                let efa = interfaces.iter().filter(|interface| interface.is_efa()).count();
                assert_eq!(efa, wanted as usize, "{what}");
            }
            let more = interfaces(&kind, layout, Some(kind.efa_max + 1));
            assert!(more.unwrap_err().to_string().contains(&kind.name));
        }
    }
}

fn check(kind: &InstanceType, interfaces: &[Interface], what: &str) {
    let primary = interfaces[0];
    assert_eq!((primary.card, primary.device), (0, 0), "{what}");
    assert!(primary.has_address(), "{what}: EC2 refuses an EFA-only primary interface");
    let places: BTreeSet<_> = interfaces.iter().map(|i| (i.card, i.device)).collect();
    assert_eq!(places.len(), interfaces.len(), "{what}: two interfaces in one place");
    assert!(interfaces.is_sorted_by_key(|i| (i.card, i.device)), "{what}");
    for card in &kind.cards {
        let here: Vec<_> = interfaces.iter().filter(|i| i.card == card.index).collect();
        assert!(here.iter().filter(|i| i.is_efa()).count() <= 1, "{what}: card {}", card.index);
        for interface in here {
            assert!(interface.device < card.max_interfaces, "{what}: {interface:?}");
            assert!(card.supports(interface.kind), "{what}: {interface:?}");
        }
    }
    assert!(interfaces.iter().all(|i| (i.card as usize) < kind.cards.len()), "{what}");
}

#[test]
fn a_full_layout_has_one_efa_on_every_card_that_can() {
    for kind in catalog::all() {
        for layout in LAYOUTS {
            let interfaces = interfaces(&kind, layout, None).unwrap();
            let cards: BTreeSet<_> = interfaces.iter().filter(|i| i.is_efa()).map(|i| i.card).collect();
            let able: BTreeSet<_> =
                kind.cards.iter().filter(|card| card.supports_efa()).map(|card| card.index).collect();
            assert_eq!(cards, able, "{} {layout}", kind.name);
            assert_eq!(cards.len(), kind.efa_max as usize, "{} {layout}", kind.name);
        }
    }
}

fn subnets(zones: &[&str]) -> Vec<Subnet> {
    let subnet =
        |(place, zone): (usize, &&str)| Subnet { id: format!("subnet-{place}"), zone: (*zone).to_owned() };
    zones.iter().enumerate().map(subnet).collect()
}

#[test]
fn the_classic_design_on_sixteen_interfaces() {
    let subnets = subnets(&["a", "a", "a"]);
    let spread = spread(&subnets, 16).unwrap();
    assert_eq!(spread[0], "subnet-0");
    assert!(spread[1..=7].iter().all(|id| *id == "subnet-1"));
    assert!(spread[8..=15].iter().all(|id| *id == "subnet-2"));
}

#[test]
fn every_interface_has_a_subnet_and_none_two() {
    for given in 1..=3 {
        let subnets = subnets(&vec!["a"; given]);
        for count in 0..=64 {
            let spread = spread(&subnets, count).unwrap();
            assert_eq!(spread.len(), count);
            let used: BTreeSet<_> = spread.iter().collect();
            assert_eq!(used.len(), given.min(count), "{given} subnets, {count} interfaces");
        }
    }
}

#[test]
fn one_node_across_zones_is_refused_with_the_reason() {
    let error = spread(&subnets(&["a", "a", "b"]), 16).unwrap_err();
    assert!(error.to_string().contains("subnet-2 in b: all interfaces of an instance are in one zone"));
    assert_eq!(spread(&[], 1), Err(SubnetError::None));
    assert_eq!(spread(&subnets(&["a"; 4]), 1), Err(SubnetError::TooMany(4)));
}
