//! Looks again and again, and reads again only what can change while a device stays the same one.
//!
//! Nearly all that sysfs says of a device is fixed when its driver makes it. So a device whose folder is the one of the
//! look before (the kernel gives a folder's inode number to no other) is asked only whether the driver reaches GPU
//! memory, which a module that is loaded later changes. Of the others each look reads a sixth anew, so that nothing that was
//! thought to be fixed stays wrong for more than a minute with the usual period.
//!
//! No file is read by whoever looks: a driver that is stuck keeps its reader for good. One thread reads the files of all
//! cards, and where a read stands, another goes on with the others; the one that stands is not begun again, and past its
//! deadline its card is told as stalled.

mod card;
mod rest;
mod seen;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pci::Functions;
use super::{Efa, Observation};
use crate::Root;
use crate::bounded::{Job, Rounds};
use crate::rdma;
use crate::root::ReadError;
use crate::turns::Turns;
use card::{Card, Said};
use rest::{REST, Rest, rest};

/// How long files are waited for: so long, or longer where the machine is busy.
#[derive(Clone, Copy)]
enum Wait {
    For(Duration),
    Patiently(Duration),
}

/// A read, by what it is of.
type Wanted = (Arc<str>, Job<Said>);

/// Everything about EFA but the counters, as often as it is wanted. Reads no file that asks a card.
pub struct Observer {
    root: Root,
    deadline: Duration,
    turns: Turns,
    reads: Rounds<Said>,
    cards: BTreeMap<String, Card>,
    functions: Functions,
    rest: Option<Rest>,
}

impl Observer {
    /// How long a card's files may take until it is called stalled: what is read is the driver's memory, which takes
    /// microseconds.
    pub const DEADLINE: Duration = super::PortReaders::DEADLINE;

    /// An observer that has seen nothing yet. `deadline`: how long a card's files may take until it is called stalled.
    pub fn new(root: Root, deadline: Duration) -> Self {
        Self {
            root,
            deadline,
            turns: Turns::default(),
            reads: Rounds::default(),
            cards: BTreeMap::new(),
            functions: Functions::default(),
            rest: None,
        }
    }

    /// What is there now. Files that do not come back are waited for so long; what they belong to is told as it was
    /// before, and is heard of in a later look.
    ///
    /// # Errors
    /// It cannot be seen what there is: a folder is not there, or cannot be read.
    pub fn look(&mut self, patience: Duration) -> Result<Observation, ReadError> {
        let (names, addresses) = (rdma::names(&self.root)?, Functions::addresses(&self.root)?);
        self.look_at(names, addresses, Wait::For(patience))
    }

    /// What is there, for who looks only once: what is late because the machine is busy is waited for. `deadline` as in
    /// [`Observer::new`], `patience` as in [`Observer::look`].
    ///
    /// # Errors
    /// As [`Observer::look`].
    pub fn once(root: &Root, deadline: Duration, patience: Duration) -> Result<Observation, ReadError> {
        let (names, addresses) = (rdma::names(root)?, Functions::addresses(root)?);
        let mut observer = Self::new(root.clone(), deadline);
        observer.look_at(names, addresses, Wait::Patiently(patience))
    }

    /// Its devices alone.
    pub(super) fn devices(root: &Root) -> Result<Vec<Efa>, ReadError> {
        let mut observer = Self::new(root.clone(), Self::DEADLINE);
        Ok(observer.look_at(rdma::names(root)?, Vec::new(), Wait::Patiently(Self::DEADLINE))?.devices)
    }

    /// When a read that is under way passes its deadline: a look then tells of it.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.reads.next_deadline(self.deadline)
    }

    fn look_at(
        &mut self,
        names: Vec<String>,
        addresses: Vec<String>,
        wait: Wait,
    ) -> Result<Observation, ReadError> {
        self.cards.retain(|name, _| names.binary_search(name).is_ok());
        let has_module = self.root.exists("/sys/module/efa");
        let mut reads = self.reads_of_cards(&names);
        reads.extend(self.reads_of_functions(&addresses));
        if (has_module || !names.is_empty()) && self.is_free(REST) {
            reads.push((REST.into(), rest(self.root.clone(), !names.is_empty())));
        }
        let mut failed = None;
        let said = match wait {
            Wait::For(patience) => self.reads.round(reads, patience),
            Wait::Patiently(patience) => self.reads.patient_round(reads, patience),
        };
        for (name, said) in said {
            failed = self.hear(&name, said).err().or(failed);
        }
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(self.seen(names, addresses, has_module))
    }

    fn is_free(&self, name: &str) -> bool {
        !self.reads.is_under_way(name)
    }

    fn reads_of_cards(&mut self, names: &[String]) -> Vec<Wanted> {
        let turn = self.turns.next();
        let mut reads = Vec::new();
        for (place, name) in names.iter().enumerate() {
            if !self.is_free(name) {
                continue;
            }
            let card = self.cards.entry(name.clone()).or_default();
            reads.extend(
                card.read(&self.root, name, turn.is_of(place)).map(|job| (name.as_str().into(), job)),
            );
        }
        reads
    }

    /// Those of cards that are known are told by the cards.
    fn reads_of_functions(&mut self, addresses: &[String]) -> Vec<Wanted> {
        let mut unread = self.functions.unread(addresses);
        unread
            .retain(|address| self.is_free(address) && !self.cards.values().any(|card| card.is_at(address)));
        let job = |address: String| -> Wanted {
            let (root, name) = (self.root.clone(), address.as_str().into());
            (name, Box::new(move || Said::Function(super::pci::what(&root, &address))))
        };
        unread.into_iter().map(job).collect()
    }

    fn hear(&mut self, name: &str, said: Said) -> Result<(), ReadError> {
        match said {
            Said::Function(what) => self.functions.learn(name, what),
            Said::Rest(rest) => self.rest = Some(rest),
            Said::Card(folder, what) => {
                let what = what?;
                if let Some(card) = self.cards.get_mut(name) {
                    card.is_now(folder, what);
                }
            }
            Said::P2p(p2p) => {
                if let Some(card) = self.cards.get_mut(name) {
                    card.reaches(p2p);
                }
            }
        }
        Ok(())
    }

    fn is_stalled(&self, name: &str) -> bool {
        self.reads.is_stalled(name, self.deadline)
    }
}
