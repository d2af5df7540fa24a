//! [`Hardware`] with a deadline.

use std::sync::Arc;
use std::time::Duration;

use super::hardware::{Hardware, hardware};
use crate::Root;
use crate::bounded::{Job, Rounds};

/// Reads what the GPUs' hardware says, none delayed by a GPU that does not answer.
pub struct GpuReaders {
    root: Root,
    reads: Rounds<Hardware>,
}

impl GpuReaders {
    /// Readers that have asked nobody yet.
    pub fn new(root: Root) -> Self {
        Self { root, reads: Rounds::default() }
    }

    /// Asks the GPUs at these addresses, in whose order the answers are; `None` for one that has not answered within the
    /// deadline, or hangs since an earlier round: that one is not asked again.
    pub fn round(&mut self, addresses: &[String], deadline: Duration) -> Vec<Option<Hardware>> {
        let reads = self.reads_of(addresses);
        answers(addresses, self.reads.round(reads, deadline))
    }

    fn reads_of(&self, addresses: &[String]) -> Vec<(Arc<str>, Job<Hardware>)> {
        let job = |address: &String| -> Job<_> {
            let (root, address) = (self.root.clone(), address.clone());
            Box::new(move || hardware(&root, &address))
        };
        let free = addresses.iter().filter(|address| !self.reads.is_under_way(address));
        free.map(|address| (address.as_str().into(), job(address))).collect()
    }
}

/// Asks all at once, as [`GpuReaders::round`]; what is late because the machine is busy is waited for.
pub fn hardware_once(root: &Root, addresses: &[String], deadline: Duration) -> Vec<Option<Hardware>> {
    let mut readers = GpuReaders::new(root.clone());
    let reads = readers.reads_of(addresses);
    answers(addresses, readers.reads.patient_round(reads, deadline))
}

fn answers(addresses: &[String], mut said: Vec<(Arc<str>, Hardware)>) -> Vec<Option<Hardware>> {
    let of = |address: &String| {
        let place = said.iter().position(|(name, _)| **name == **address)?;
        Some(said.swap_remove(place).1)
    };
    addresses.iter().map(of).collect()
}
