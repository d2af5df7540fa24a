//! Looking again at GPUs that hung.

use std::time::{Duration, Instant};

use gpunode_probe_protocol::gpu::Entry;
use gpunode_probe_protocol::message::{Say, Want};

use super::wrong::hung;
use super::{Probe, address};
use crate::session::unexpected;
use crate::trouble::Trouble;

/// What came of a look at a GPU that hung before.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The GPU, as in [`crate::HungGpu::pci`].
    pub pci: String,
    /// Its entry when it answered: from now on it is part of every sweep again. Else what is still wrong.
    pub entry: Result<Entry, Trouble>,
}

impl Probe {
    /// Looks again at a GPU on which a call hung, if one's turn has come: in a process of its own that touches no other
    /// GPU, so that sweeps and events go on whatever happens. `None` when none is due, which takes no time.
    pub fn look_again(&mut self, deadline: Duration) -> Option<Look> {
        self.reap();
        let now = Instant::now();
        let pci = self.hung.due(now, &self.graveyard)?;
        // The last place is for the process that sweeps.
        if self.graveyard.count() + 1 >= self.starter.settings.abandoned {
            return None;
        }
        let entry = self.look(&pci, now + deadline);
        match &entry {
            Ok(_) => self.hung.remove(&pci),
            Err(Trouble::Hung { call, waited, .. }) => {
                self.hung.add(&pci, call.as_deref().unwrap_or("gpunode-probe"), *waited, now);
            }
            Err(_) => self.hung.put_off(&pci, now),
        }
        Some(Look { pci, entry })
    }

    fn look(&mut self, pci: &str, until: Instant) -> Result<Entry, Trouble> {
        // All others, by every name under which the probe may know them; a GPU that is only known by its index may be
        // one whose address an earlier sweep had.
        let others = self.known.iter().filter(|(index, address)| *address != pci && index.to_string() != pci);
        let mut skip: Vec<String> = others.map(|(_, address)| address.clone()).collect();
        skip.extend(self.hung.addresses().filter(|other| *other != pci).map(str::to_owned));
        // With all that a look can ask: a GPU that hangs only in what is asked once a minute is not well in between.
        let want = Want::Gpus { skip, slow: true };
        let session = self.looks.ready(&mut self.starter, &mut self.graveyard, until)?;
        let answer = session.ask(want, until, &mut |_| ());
        let found = match answer {
            Ok(Say::Gpus(Ok(sweep))) => match sweep.stuck {
                Some(stuck) => Err(hung(&stuck)),
                None => sweep
                    .gpus
                    .into_iter()
                    .find(|entry| !matches!(entry, Entry::Skipped { .. }) && is(entry, pci))
                    .ok_or_else(|| Trouble::Garbage { what: format!("a sweep without {pci}") }),
            },
            Ok(Say::Gpus(Err(unusable))) => Err(unusable.into()),
            Ok(other) => Err(unexpected(&other)),
            Err(trouble) => Err(trouble),
        };
        // The pauses between looks are the GPU's, not the process's.
        if let Some(session) = self.looks.take() {
            let gpu = matches!(found, Err(Trouble::Hung { .. })).then(|| pci.to_owned());
            self.graveyard.kill(session.into_child(), gpu);
        }
        found
    }
}

/// Whether an entry is of the GPU that is called `gpu`: by its PCI address, or its index in decimal.
fn is(entry: &Entry, gpu: &str) -> bool {
    address(entry) == Some(gpu) || gpu.parse() == Ok(entry.index())
}
