//! Machines with one thing broken.

use std::fs;
use std::time::Duration;

use gpunode_host::efa::{self, FunctionState, P2p};
use gpunode_host::gpu_pci::{self, ConfigSpace, Link};

use super::machine;

const LONG: Duration = Duration::from_secs(60);

#[test]
fn how_far_an_efa_device_came_is_seen_on_the_bus() {
    let machine = machine("p5.48xlarge");
    machine.tree.efa(0).remove().unwrap();
    machine.tree.efa(1).unbind().unwrap();
    machine.tree.efa(2).lose_rdma_device().unwrap();
    let seen = efa::observe(&machine.root).unwrap();
    assert_eq!((seen.devices.len(), seen.functions.len()), (29, 31));
    let state = |number: usize| {
        let address = machine.tree.efa(number).address().to_owned();
        seen.functions.iter().find(|f| f.address == address).map(|f| f.state.clone())
    };
    assert_eq!(state(0), None);
    assert_eq!(state(1), Some(FunctionState::NotBound));
    assert_eq!(state(2), Some(FunctionState::NoRdmaDevice { driver: "efa".to_owned() }));
    let ready = FunctionState::Ready { rdma_device: machine.tree.efa(3).name().to_owned() };
    assert_eq!(state(3), Some(ready));
    // The metadata tells which interfaces those three are.
    let lost: Vec<_> = efa::join(seen.devices, &machine.tree.enis()).others;
    let lost: Vec<_> = lost.iter().filter(|eni| eni.has_no_address()).map(|eni| &*eni.mac).collect();
    assert_eq!(lost, [0, 1, 2].map(|number| machine.tree.efa(number).mac().to_owned()));
}

#[test]
fn no_provider_is_not_the_same_as_no_word_of_it() {
    let machine = machine("p5en.48xlarge");
    machine.tree.efa(3).set_p2p(false).unwrap();
    let devices = efa::devices(&machine.root).unwrap();
    let without: Vec<_> = devices.iter().filter(|efa| efa.p2p == P2p::None).map(|efa| &*efa.name).collect();
    assert_eq!(without, [machine.tree.efa(3).name()]);
    assert_eq!(P2p::parse_gdr("0"), P2p::None);
    assert_eq!(P2p::parse_gdr("1"), P2p::Provider("NVIDIA".to_owned()));
}

#[test]
fn a_device_whose_ids_cannot_be_read_is_known_by_its_driver() {
    let machine = machine("p5en.48xlarge");
    let pci = machine.root.at(format!("/sys/bus/pci/devices/{}", machine.tree.efa(0).address()));
    fs::remove_file(pci.join("vendor")).unwrap();
    assert_eq!(efa::devices(&machine.root).unwrap().len(), 16);
    fs::remove_file(pci.join("driver")).unwrap();
    assert_eq!(efa::devices(&machine.root).unwrap().len(), 15);
}

#[test]
fn a_gpu_that_fell_off_the_bus_is_told_from_one_that_is_not_there() {
    let machine = machine("p5.48xlarge");
    machine.tree.gpu(2).config_all_ones().unwrap();
    machine.tree.gpu(5).remove().unwrap();
    machine.tree.gpu(6).set_power("D3cold").unwrap();
    machine.tree.gpu(7).set_link(8, 1).unwrap();
    machine.tree.gpu(7).unbind().unwrap();
    let gpus = gpu_pci::devices(&machine.root);
    let addresses: Vec<_> = gpus.iter().map(|gpu| gpu.address.clone()).collect();
    assert!(gpus.len() == 7 && !addresses.contains(&machine.tree.gpu(5).address().to_owned()));
    let all = gpu_pci::hardware_once(&machine.root, &addresses, LONG);
    let hardware = |number: usize| {
        let at = addresses.iter().position(|address| address == machine.tree.gpu(number).address());
        all[at.unwrap()].clone().unwrap()
    };
    assert_eq!((hardware(2).config, hardware(2).link), (ConfigSpace::AllOnes, Link::default()));
    assert_eq!(hardware(2).information, None);
    assert_eq!(gpus[5].power.state.as_deref(), Some("D3cold"));
    assert_eq!(gpus[5].power.runtime_status.as_deref(), Some("suspended"));
    let narrow = Link { width: Some(8), max_width: Some(16), generation: Some(1), max_generation: Some(5) };
    assert_eq!((hardware(7).link, gpus[6].driver.as_ref()), (narrow, None));
    assert_eq!((hardware(7).information, hardware(1).information.is_some()), (None, true));
}

#[test]
fn a_driver_that_does_not_answer_for_one_gpu_hides_no_other() {
    let machine = machine("p5.48xlarge");
    machine.tree.gpu(3).stall_driver().unwrap();
    let addresses: Vec<_> = gpu_pci::devices(&machine.root).into_iter().map(|gpu| gpu.address).collect();
    let all = gpu_pci::hardware_once(&machine.root, &addresses, Duration::from_secs(3));
    let silent: Vec<_> = all.iter().enumerate().filter(|(_, hardware)| hardware.is_none()).collect();
    assert_eq!(silent.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [3]);
    machine.tree.gpu(3).release_driver().unwrap();
    let again = gpu_pci::hardware_once(&machine.root, &addresses[3..4], LONG);
    assert!(again[0].as_ref().is_some_and(|hardware| hardware.information.is_some()));
}
