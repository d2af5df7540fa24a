//! The state, and how each source fares: what is seen goes through here.

use gpunode_host::health::{Health, Now, Seen, Wants};

use crate::source;
use crate::state::Sources;

/// Both.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) health: Health,
    pub(crate) sources: Sources,
}

impl Intake {
    pub(crate) fn new(health: Health) -> Self {
        Self { health, sources: Sources::new(source::ALL) }
    }

    /// Takes in what was seen. Says also whether a source fares differently now.
    pub(crate) fn take_in(&mut self, now: Now, seen: Seen) -> (Wants, bool) {
        let mut changed = self.sources.note(&seen, self.health.known());
        let devices = matches!(seen, Seen::Efa(_));
        let wants = self.health.see(now, seen);
        if devices {
            let attached = self.health.known().attached();
            let there: Vec<_> = attached.filter_map(|attached| attached.efa.pci_address.clone()).collect();
            changed |= self.sources.efa(&there);
        }
        (wants, changed)
    }
}
