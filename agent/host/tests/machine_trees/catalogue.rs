//! Every type of the catalogue, read back.

use std::collections::BTreeSet;
use std::time::Duration;

use gpunode_host::catalog::{self, InstanceType, NvSwitch};
use gpunode_host::efa::{self, Expected, FunctionState, InterfaceKindSeen, P2p};
use gpunode_host::gpu_pci::{self, ConfigSpace};
use gpunode_tree::{Layout, Options};

use super::{Machine, machine, with, with_efas};

/// A healthy machine answers at once; this is only against hanging.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn every_type_has_the_efa_devices_that_the_catalogue_says() {
    for kind in catalog::all() {
        efa_is_whole(&machine(&kind.name), &kind);
    }
}

fn efa_is_whole(machine: &Machine, kind: &InstanceType) {
    let seen = efa::observe(&machine.root).unwrap();
    let count = usize::try_from(kind.efa_max).unwrap();
    assert_eq!(seen.devices.len(), count, "{}", kind.name);
    assert_eq!(seen.module.is_some(), count > 0, "{}", kind.name);
    let ready = |function: &efa::EfaFunction| matches!(function.state, FunctionState::Ready { .. });
    assert!(seen.functions.len() == count && seen.functions.iter().all(ready), "{:?}", seen.functions);
    for device in &seen.devices {
        // 100 is what the driver shows of a card that does not tell its speed.
        let gbps = kind.gbps_per_efa().map_or(100, efa::rate_shown);
        assert_eq!(device.rate_gbps, Some(gbps), "{}", kind.name);
        assert_eq!(device.p2p, P2p::Provider("NVIDIA".to_owned()));
        assert_eq!(device.driver.as_deref(), Some("efa"));
        assert_eq!(device.driver_version.as_deref(), Some("2.17.3g"));
        assert_eq!(device.gids.len(), 1);
        assert_eq!((device.netdev.as_ref(), device.port_state.as_deref()), (None, Some("4: ACTIVE")));
        let address = device.pci_address.as_deref().unwrap();
        let bus = u8::from_str_radix(&address[5..7], 16).unwrap();
        assert_eq!(device.name, format!("rdmap{bus}s0"), "{address}");
    }
    let enis = machine.tree.enis();
    let expected = Expected::new(None, Some(kind), Some(&enis));
    assert_eq!(expected.count(), Some(kind.efa_max), "{}: {expected:?}", kind.name);
    let cards: BTreeSet<_> = kind.cards.iter().filter(|c| c.supports_efa()).map(|c| c.index).collect();
    let join = efa::join(seen.devices, &enis);
    let seen_cards: BTreeSet<_> = join.devices.iter().filter_map(efa::Attached::network_card).collect();
    assert!(seen_cards.len() == count && seen_cards.is_subset(&cards), "{}: {seen_cards:?}", kind.name);
    assert!(join.devices.iter().all(|pair| pair.kind() == Some(InterfaceKindSeen::EfaOnly)));
    assert_eq!(join.others.len(), 1, "the primary interface of {}", kind.name);
}

#[test]
fn every_type_has_the_gpus_that_the_catalogue_says() {
    for kind in catalog::all() {
        let machine = machine(&kind.name);
        let gpus = gpu_pci::devices(&machine.root);
        assert_eq!(gpus.len(), usize::try_from(kind.gpu_count()).unwrap(), "{}", kind.name);
        let addresses: Vec<_> = gpus.iter().map(|gpu| gpu.address.clone()).collect();
        let hardware = gpu_pci::hardware_once(&machine.root, &addresses, LONG);
        for (number, (gpu, hardware)) in gpus.iter().zip(hardware).enumerate() {
            let (hardware, built) = (hardware.unwrap(), machine.tree.gpu(number));
            assert_eq!((gpu.driver.as_deref(), gpu.device_id), (Some("nvidia"), built.device_id()));
            assert_eq!(gpu.power.state.as_deref(), Some("D0"));
            let device_id = u16::try_from(gpu.device_id).unwrap();
            assert_eq!(hardware.config, ConfigSpace::Answers { vendor_id: 0x10de, device_id });
            let link = hardware.link;
            assert_eq!((link.width, link.generation), (Some(16), Some(built.generation())));
            assert_eq!((link.max_width, link.max_generation), (link.width, link.generation));
            let information = hardware.information.unwrap();
            assert_eq!(information.uuid.as_deref(), Some(&*built.uuid()));
            assert_eq!(information.minor, u32::try_from(number).ok());
            assert_eq!((information.excluded, information.irq.is_some()), (Some(false), true));
            assert_eq!(hardware.driver_power.unwrap().video_memory.as_deref(), Some("Active"));
        }
        let switches = gpu_pci::nvswitches(&machine.root).len();
        let on_bus = kind.nvswitch == NvSwitch::Local && !kind.name.starts_with("p6");
        assert_eq!(switches > 0, on_bus, "{}", kind.name);
    }
}

#[test]
fn in_the_older_layout_every_device_has_its_network_device() {
    let options = Options { layout: Layout::Combined, ..Options::default() };
    let machine = with("p5.48xlarge", options);
    let kind = catalog::find("p5.48xlarge").unwrap();
    let enis = machine.tree.enis();
    let join = efa::join(efa::devices(&machine.root).unwrap(), &enis);
    assert_eq!((join.devices.len(), join.others.len()), (32, 0));
    for pair in &join.devices {
        assert_eq!((pair.kind(), pair.efa.netdev.is_some()), (Some(InterfaceKindSeen::Efa), true));
    }
    let expected = Expected::new(None, Some(&kind), Some(&enis));
    assert_eq!((expected.attached_at_least, expected.count()), (Some(0), Some(32)));
}

#[test]
fn fewer_attached_than_the_type_can_have_is_what_is_expected() {
    let machine = machine("p5.48xlarge");
    let kind = catalog::find("p5.48xlarge").unwrap();
    let enis = &machine.tree.enis()[..5];
    assert_eq!(Expected::new(None, Some(&kind), Some(enis)).count(), Some(4));
    assert_eq!(Expected::new(Some(7), Some(&kind), Some(enis)).count(), Some(7));
    assert_eq!(Expected::new(None, Some(&kind), None).count(), Some(32));
    // One plain interface: it may be EFA with ENA or not.
    assert_eq!(Expected::new(None, Some(&kind), Some(&enis[..1])).count(), None);
    assert_eq!(Expected::new(None, None, None).count(), None);
    let none = catalog::find("g6.xlarge").unwrap();
    assert_eq!(Expected::new(None, Some(&none), Some(&enis[..1])).count(), Some(0));
}

#[test]
fn each_generation_of_the_driver_is_read() {
    for (version, p2p, device, port) in [
        (Some("1.13.0"), P2p::Provider("NVIDIA".to_owned()), 0, 25),
        (Some("2.1.0"), P2p::Provider("NVIDIA".to_owned()), 12, 13),
        (Some("2.8.0"), P2p::Provider("NVIDIA".to_owned()), 12, 17),
        (Some("2.17.3g"), P2p::Provider("NVIDIA".to_owned()), 12, 22),
        (Some("3.3.1"), P2p::Provider("NVIDIA".to_owned()), 14, 22),
        (None, P2p::Unknown, 12, 17),
    ] {
        let options = Options { efa_driver: version.map(Into::into), ..Options::default() };
        let machine = with("p5en.48xlarge", options);
        let seen = efa::observe(&machine.root).unwrap();
        assert!(seen.devices.iter().all(|efa| efa.p2p == p2p && efa.driver_version.as_deref() == version));
        assert_eq!(seen.module.unwrap().version.as_deref(), version);
        let names = efa::names(&machine.root).unwrap();
        for counters in efa::counters_once(&machine.root, &names, Duration::ZERO, LONG) {
            assert_eq!(counters.device.counters.iter().count(), device, "{version:?}");
            let efa::PortCounters::Read(reading) = counters.port else { panic!("{version:?}") };
            assert_eq!((reading.counters.iter().count(), reading.unreadable), (port, 0), "{version:?}");
            assert!(reading.counters.extra().is_empty());
        }
    }
}

#[test]
fn none_and_sixty_four() {
    let none = with_efas(0);
    assert_eq!(efa::observe(&none.root).unwrap(), efa::Observation::default());
    assert!(efa::counters_once(&none.root, &[], Duration::ZERO, LONG).is_empty());
    let many = with_efas(64);
    let names = efa::names(&many.root).unwrap();
    assert_eq!((names.len(), efa::observe(&many.root).unwrap().functions.len()), (64, 64));
    let counters = efa::counters_once(&many.root, &names, Duration::ZERO, LONG);
    assert!(counters.iter().all(|device| matches!(device.port, efa::PortCounters::Read(_))));
}

#[test]
fn other_rdma_devices_are_told_apart() {
    let machine = machine("p6-b200.48xlarge");
    machine.tree.add_soft_roce("rxe0").unwrap();
    let others = efa::observe(&machine.root).unwrap().others;
    let names: Vec<_> = others.iter().map(|other| (&*other.name, other.is_software())).collect();
    assert_eq!(
        names,
        [("ibp198s0", false), ("ibp199s0", false), ("ibp200s0", false), ("ibp201s0", false), ("rxe0", true)]
    );
    assert_eq!((others[0].vendor, others[0].driver.as_deref()), (Some(0x15b3), Some("mlx5_core")));
    assert!(others.iter().all(|other| other.uverbs.is_some()));
    assert_eq!(efa::devices(&machine.root).unwrap().len(), 8);
}
