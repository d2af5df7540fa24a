//! GPUs on which a call hung: they are left out of the looks that follow, and a look without them proves nothing of them.

use std::collections::BTreeMap;

use gpunode_probe_protocol::gpu::{Entry, Stuck, Sweep};

use super::is;
use crate::health::judge::nvml;
use crate::health::{Sighting, Subject};

/// Those that have not answered since, by NVML's index.
#[derive(Debug, Default)]
pub struct Hung(BTreeMap<u32, Stuck>);

impl Hung {
    /// What a look shows of them. `bus` has the PCI addresses of the GPUs that the NVIDIA driver drives.
    pub fn next(&mut self, sweep: &Sweep, bus: &[String]) {
        for entry in &sweep.gpus {
            match entry {
                Entry::Read(_) | Entry::Unreachable { .. } => drop(self.0.remove(&entry.index())),
                Entry::Skipped { index, pci } => {
                    if let Some(stuck) = self.0.get_mut(index).filter(|stuck| stuck.pci.is_none()) {
                        stuck.pci = pci.clone().or_else(|| the_only_other(sweep, bus));
                    }
                }
            }
        }
        if sweep.stuck.is_none() {
            self.0.retain(|index, _| sweep.gpus.iter().any(|entry| entry.index() == *index));
        }
        if let Some(stuck) = &sweep.stuck
            && let Some(index) = stuck.index
        {
            let known = self.0.get(&index).and_then(|before| before.pci.clone());
            let pci = stuck.pci.clone().or(known).or_else(|| the_only_other(sweep, bus));
            self.0.insert(index, Stuck { pci, ..stuck.clone() });
        }
    }

    /// The signs.
    pub fn sightings(&self) -> impl Iterator<Item = Sighting> {
        self.0.values().map(nvml::stuck)
    }

    /// Those whose address is known.
    pub fn subjects(&self) -> impl Iterator<Item = Subject> {
        self.0.values().filter_map(|stuck| stuck.pci.as_deref()).map(Subject::gpu)
    }
}

/// The one GPU on the bus that no entry names.
fn the_only_other(sweep: &Sweep, bus: &[String]) -> Option<String> {
    let mut others = bus.iter().filter(|pci| !sweep.gpus.iter().any(|entry| is(entry, pci)));
    others.next().filter(|_| others.next().is_none()).cloned()
}
