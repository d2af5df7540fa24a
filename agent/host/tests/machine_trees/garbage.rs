//! Files with anything in them, and files that are gone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gpunode_host::efa::{self, DeviceSampler};
use gpunode_host::gpu_pci;
use proptest::prelude::*;

use super::{Machine, machine};

/// What happens to a file or folder.
#[derive(Clone, Debug)]
enum Damage {
    Bytes(Vec<u8>),
    Gone,
    Folder,
    LinkToNowhere,
    LinkToItself,
}

/// Texts that some parser may take for the beginning of something.
const ODD: &[&str] =
    &["", "\n", "0x", "-1", "99999999999999999999999", "0x1d0f", "fe80::", "Gb/sec", " GT/s", ":"];

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..200).prop_map(Damage::Bytes),
        4 => prop::sample::select(ODD).prop_map(|text| Damage::Bytes(text.into())),
        2 => Just(Damage::Gone),
        1 => Just(Damage::Folder),
        1 => Just(Damage::LinkToNowhere),
        1 => Just(Damage::LinkToItself),
    ]
}

fn paths(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        found.push(entry.path());
        if entry.file_type().unwrap().is_dir() {
            paths(&entry.path(), found);
        }
    }
}

fn apply(path: &Path, damage: &Damage) {
    let Ok(about) = path.symlink_metadata() else { return };
    if about.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
    match damage {
        Damage::Bytes(bytes) => fs::write(path, bytes).unwrap(),
        Damage::Gone => {}
        Damage::Folder => fs::create_dir(path).unwrap(),
        Damage::LinkToNowhere => std::os::unix::fs::symlink("/nowhere/at/all", path).unwrap(),
        Damage::LinkToItself => std::os::unix::fs::symlink(path, path).unwrap(),
    }
}

/// Reads all there is. What it finds is bounded by what was there.
fn look(machine: &Machine, sampler: &mut DeviceSampler) {
    // A folder that is damaged itself cannot be seen, which is an error; damage to what is in it never is one.
    let is_folder = |path: &str| machine.root.metadata(path).is_ok_and(|about| about.is_dir());
    let (class, bus) = (is_folder("/sys/class/infiniband"), is_folder("/sys/bus/pci/devices"));
    match efa::observe(&machine.root) {
        Ok(seen) => {
            assert!(bus, "the bus cannot be seen");
            assert!(seen.devices.len() + seen.others.len() <= 4 && seen.functions.len() <= 4, "{seen:?}");
            serde_json::to_string(&seen).unwrap();
        }
        Err(error) => assert!(!(class && bus), "{error:?}"),
    }
    let names = efa::names(&machine.root);
    assert!(names.is_ok() || !class, "{names:?}");
    let names = names.unwrap_or_default();
    let counters = efa::counters_once(&machine.root, &names, Duration::ZERO, Duration::from_secs(60));
    assert_eq!(counters.len(), names.len());
    serde_json::to_string(&counters).unwrap();
    sampler.sample();
    sampler.sync(&names);
    assert_eq!(sampler.sample().len(), names.len());
    let gpus = gpu_pci::devices(&machine.root);
    let addresses: Vec<_> = gpus.iter().map(|gpu| gpu.address.clone()).collect();
    let hardware = gpu_pci::hardware_once(&machine.root, &addresses, Duration::from_secs(60));
    assert!(hardware.iter().all(Option::is_some) && hardware.len() <= 8);
    serde_json::to_string(&(gpus, hardware)).unwrap();
    gpu_pci::nvswitches(&machine.root);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn damaged_files_are_partial_data(
        hits in prop::collection::vec((any::<prop::sample::Index>(), damage()), 1..60),
    ) {
        let machine = machine("p4d.24xlarge");
        let mut sampler = DeviceSampler::new(machine.root.clone());
        sampler.sync(&efa::names(&machine.root).unwrap());
        let mut all = Vec::new();
        paths(machine.tree.path(), &mut all);
        all.sort();
        for (index, damage) in &hits {
            let path: &PathBuf = index.get(&all);
            apply(path, damage);
        }
        look(&machine, &mut sampler);
    }
}
