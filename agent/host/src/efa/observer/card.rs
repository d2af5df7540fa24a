//! One RDMA device over time: what is known of it, and what is read again.

use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use super::rest::Rest;
use crate::Root;
use crate::bounded::Job;
use crate::efa::{Efa, P2p, device, pci};
use crate::rdma::{self, Rdma};
use crate::root::ReadError;

/// File system and inode of a device's folder; `None` where it has just gone.
type Folder = Option<(u64, u64)>;

/// What is known of a device.
#[derive(Debug, Default)]
pub(super) struct Card {
    folder: Folder,
    /// `None` before it was read as a whole.
    pub(super) what: Option<What>,
    /// What the read under way has found so far, where nothing is known yet.
    so_far: Arc<Mutex<Option<Efa>>>,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Efa(Box<Efa>),
    Other(Rdma),
}

/// What a read brought.
pub(super) enum Said {
    Card(Folder, Result<What, ReadError>),
    P2p(P2p),
    Function(Option<pci::What>),
    Rest(Rest),
}

impl Card {
    /// What is to be read now: all of it where it is another device or `anew`, else what can change; `None` where nothing
    /// can.
    pub(super) fn read(&mut self, root: &Root, name: &str, anew: bool) -> Option<Job<Said>> {
        let folder = folder(root, name);
        let (root, name) = (root.clone(), name.to_owned());
        match &self.what {
            Some(what) if !anew && folder.is_some() && folder == self.folder => {
                matches!(what, What::Efa(_)).then(|| again(root, name))
            }
            _ => {
                self.so_far = Arc::default();
                Some(whole(root, name, folder, Arc::clone(&self.so_far)))
            }
        }
    }

    pub(super) fn is_now(&mut self, folder: Folder, what: What) {
        (self.folder, self.what) = (folder, Some(what));
    }

    pub(super) fn reaches(&mut self, p2p: P2p) {
        if let Some(What::Efa(efa)) = &mut self.what {
            efa.p2p = p2p;
        }
    }

    /// Whether it is known as an EFA card at this PCI address.
    pub(super) fn is_at(&self, address: &str) -> bool {
        let Some(What::Efa(efa)) = &self.what else { return false };
        efa.device_id.is_some() && efa.pci_address.as_deref() == Some(address)
    }

    /// All that is known of it.
    pub(super) fn said(&self, root: &Root, name: &str) -> What {
        let so_far = || self.so_far.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = self.what.clone().or_else(|| so_far().map(|efa| What::Efa(Box::new(efa))));
        known.unwrap_or_else(|| unread(root, name))
    }
}

/// By its links alone.
pub(super) fn unread(root: &Root, name: &str) -> What {
    match device::by_links(root, name) {
        Some(efa) => What::Efa(Box::new(efa)),
        None => What::Other(rdma::by_links(root, name.to_owned())),
    }
}

fn folder(root: &Root, name: &str) -> Folder {
    let about = root.metadata(format!("{}/{name}", rdma::CLASS)).ok()?;
    Some((about.dev(), about.ino()))
}

fn again(root: Root, name: String) -> Job<Said> {
    Box::new(move || {
        // One file of one folder is found by its path at least cost.
        Said::P2p(P2p::read(|file| root.value(format!("{}/{name}/device/{file}", rdma::CLASS))))
    })
}

fn whole(root: Root, name: String, folder: Folder, so_far: Arc<Mutex<Option<Efa>>>) -> Job<Said> {
    Box::new(move || {
        let told = |efa: &Efa| *so_far.lock().unwrap_or_else(PoisonError::into_inner) = Some(efa.clone());
        let what = device::read(&root, &name, told).map(|efa| match efa {
            Some(efa) => What::Efa(Box::new(efa)),
            None => What::Other(rdma::read(&root, name.clone())),
        });
        Said::Card(folder, what)
    })
}
