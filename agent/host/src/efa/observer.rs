//! Looks again and again, and reads again only what can change while a device stays the same one.
//!
//! Nearly all that sysfs says of a device is fixed when its driver makes it. So a device whose folder is the one of the
//! look before (the kernel gives a folder's inode number to no other) is asked only whether the driver reaches GPU
//! memory, which a module that is loaded later changes. Of the others each look reads a sixth anew, so that nothing that was
//! thought to be fixed stays wrong for more than a minute with the usual period.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;

use super::pci::Functions;
use super::{Efa, Module, Observation, device, text};
use crate::Root;
use crate::efa::P2p;
use crate::rdma::{self, Rdma};
use crate::root::ReadError;
use crate::turns::Turns;

/// Everything about EFA but the counters, as often as it is wanted. Reads no file that asks a card.
#[derive(Debug)]
pub struct Observer {
    root: Root,
    turns: Turns,
    known: BTreeMap<String, (Folder, What)>,
    functions: Functions,
}

/// File system and inode of a device's folder; `None` where it has just gone.
type Folder = Option<(u64, u64)>;

#[derive(Clone, Debug)]
enum What {
    Efa(Box<Efa>),
    Other(Rdma),
}

impl Observer {
    /// An observer that has seen nothing yet.
    pub fn new(root: Root) -> Self {
        Self { root, turns: Turns::default(), known: BTreeMap::new(), functions: Functions::default() }
    }

    /// What is there now.
    ///
    /// # Errors
    /// It cannot be seen what there is: a folder is not there, or cannot be read.
    pub fn look(&mut self) -> Result<Observation, ReadError> {
        let (names, addresses) = (rdma::names(&self.root)?, Functions::addresses(&self.root)?);
        let turn = self.turns.next();
        let before = std::mem::take(&mut self.known);
        let (mut devices, mut others) = (Vec::new(), Vec::new());
        for (place, name) in names.into_iter().enumerate() {
            let folder = self.folder(&name);
            let what = match before.get(&name).filter(|_| !turn.is_of(place)) {
                Some((same, what)) if folder.is_some() && *same == folder => self.again(&name, what.clone()),
                _ => self.read(&name)?,
            };
            match &what {
                What::Efa(efa) => devices.push((**efa).clone()),
                What::Other(other) => others.push(other.clone()),
            }
            self.known.insert(name, (folder, what));
        }
        device::finish(&self.root, &mut devices);
        let module = self.root.exists("/sys/module/efa");
        Ok(Observation {
            module: module.then(|| Module { version: text(&self.root, "/sys/module/efa/version") }),
            functions: self.functions.look(&self.root, addresses, &devices),
            devices,
            others,
        })
    }

    fn folder(&self, name: &str) -> Folder {
        let about = self.root.metadata(format!("{}/{name}", rdma::CLASS)).ok()?;
        Some((about.dev(), about.ino()))
    }

    fn read(&self, name: &str) -> Result<What, ReadError> {
        Ok(match device::read(&self.root, name)? {
            Some(efa) => What::Efa(Box::new(efa)),
            None => What::Other(rdma::read(&self.root, name.to_owned())),
        })
    }

    fn again(&self, name: &str, mut what: What) -> What {
        if let What::Efa(efa) = &mut what {
            // One file of one folder is found by its path at least cost.
            let value = |file: &str| self.root.value(format!("{}/{name}/device/{file}", rdma::CLASS));
            efa.p2p = P2p::read(value);
        }
        what
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turns::ROUND;
    use std::fs;
    use std::path::Path;

    fn put(root: &Path, path: &str, text: &str) {
        let full = root.join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    }

    fn plug(root: &Path, name: &str, firmware: &str) {
        fs::create_dir_all(root.join("sys/bus/pci/devices")).unwrap();
        let folder = format!("sys/class/infiniband/{name}");
        put(root, &format!("{folder}/device/vendor"), "0x1d0f\n");
        put(root, &format!("{folder}/device/device"), "0xefa1\n");
        put(root, &format!("{folder}/device/p2p"), "\n");
        put(root, &format!("{folder}/fw_ver"), firmware);
    }

    fn firmware(seen: &Observation) -> Vec<(&str, &str)> {
        seen.devices.iter().map(|efa| (efa.name.as_str(), efa.firmware.as_deref().unwrap_or("-"))).collect()
    }

    #[test]
    fn a_device_that_is_made_anew_is_read_anew_and_one_that_stays_once_a_minute() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        plug(root, "a", "1\n");
        plug(root, "b", "1\n");
        let mut observer = Observer::new(Root::new(root));
        assert_eq!(firmware(&observer.look().unwrap()), [("a", "1"), ("b", "1")]);
        // The new folder is made while the old one is still there: it cannot be the same.
        fs::rename(root.join("sys/class/infiniband/b"), root.join("old")).unwrap();
        plug(root, "b", "2\n");
        put(root, "sys/class/infiniband/a/fw_ver", "2\n");
        assert_eq!(firmware(&observer.look().unwrap()), [("a", "1"), ("b", "2")]);
        let looks = (0..ROUND).take_while(|_| firmware(&observer.look().unwrap())[0] == ("a", "1")).count();
        assert!((1..ROUND).contains(&looks), "its turn comes once in a round: {looks}");
    }

    #[test]
    fn a_function_that_cannot_be_read_is_asked_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = "sys/bus/pci/devices/0000:4f:00.0";
        put(dir.path(), &format!("{folder}/vendor"), "");
        put(dir.path(), &format!("{folder}/device"), "0xefa1\n");
        let mut observer = Observer::new(Root::new(dir.path()));
        assert!(observer.look().unwrap().functions.is_empty());
        put(dir.path(), &format!("{folder}/vendor"), "0x1d0f\n");
        assert_eq!(observer.look().unwrap().functions.len(), 1);
    }

    #[test]
    fn what_changes_is_seen_at_every_look() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        plug(root, "a", "1\n");
        let mut observer = Observer::new(Root::new(root));
        assert_eq!(observer.look().unwrap().devices[0].p2p, P2p::None);
        put(root, "sys/class/infiniband/a/device/p2p", "NVIDIA\n");
        assert_eq!(observer.look().unwrap().devices[0].p2p, P2p::Provider("NVIDIA".into()));
        put(root, "sys/class/infiniband/x/node_type", "1: CA\n");
        assert_eq!(observer.look().unwrap().others.len(), 1);
        fs::remove_dir_all(root.join("sys/class/infiniband")).unwrap();
        let seen = observer.look().unwrap();
        assert_eq!((seen.devices.len(), seen.others.len()), (0, 0));
    }
}
