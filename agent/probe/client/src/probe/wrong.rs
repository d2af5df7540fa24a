//! What is done when a call hangs, a library cannot be used, or the process misbehaves.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gpunode_probe_protocol::gpu::Stuck;
use gpunode_probe_protocol::library::Unusable;

use super::Probe;
use crate::session::Pushed;
use crate::trouble::Trouble;

impl Probe {
    pub(super) fn stuck(&mut self, stuck: &Stuck) -> Trouble {
        let gpu = called(stuck);
        if let Some(gpu) = &gpu {
            let waited = Duration::from_millis(stuck.for_ms.into());
            self.hung.add(gpu, &stuck.call, waited, Instant::now());
        }
        self.broke(hung(stuck), gpu)
    }

    /// The library cannot be used. A process that says so is well, but keeps what it loaded: the next question goes to a
    /// new one, which sees what was installed or repaired since.
    pub(super) fn unusable(&mut self, unusable: Unusable) -> Trouble {
        let trouble = Trouble::from(unusable);
        if !trouble.is_the_library() {
            return self.broke(trouble, None);
        }
        self.end_of_events();
        self.gpus.rest(&mut self.graveyard);
        trouble
    }

    /// Ends the process that sweeps.
    pub(super) fn broke(&mut self, trouble: Trouble, gpu: Option<String>) -> Trouble {
        self.end_of_events();
        self.gpus.broke(&trouble, &self.starter, &mut self.graveyard, gpu);
        trouble
    }

    pub(super) fn end_of_events(&mut self) {
        if self.listens() {
            (self.sink)(Pushed::Ended(None));
        }
    }
}

/// What a GPU is called when it is to be skipped.
fn called(stuck: &Stuck) -> Option<String> {
    stuck.pci.clone().or_else(|| stuck.index.map(|index| index.to_string()))
}

pub(super) fn hung(stuck: &Stuck) -> Trouble {
    let waited = Duration::from_millis(stuck.for_ms.into());
    let since = SystemTime::now().checked_sub(waited).unwrap_or(UNIX_EPOCH);
    Trouble::Hung { call: Some(stuck.call.clone()), gpu: called(stuck), since, waited }
}
