//! All that is known of this node's devices, and what is wrong with them: the one place that everything seen goes to.

mod efa;
mod gpu;
mod known;
mod log;
mod seen;
#[cfg(test)]
mod tests;

pub use known::{EfaDevice, Known, Libfabric, Nvml};
pub use seen::{Port, Seen, Setup, Wants};

use std::collections::BTreeSet;
use std::time::Duration;

use super::judge::efa_device::EfaDevices;
use super::judge::efa_port::EfaPorts;
use super::judge::gpus::{Gpus, Hung};
use super::judge::kernel::Kernel;
use super::{Change, Engine, Now, Present, Saved, Sighting, Source};

/// The state of the node.
#[derive(Debug, Default)]
pub struct Health {
    setup: Setup,
    known: Known,
    engine: Engine,
    gpus: Gpus,
    hung: Hung,
    devices: EfaDevices,
    /// EFA devices whose files do not come back, by RDMA device.
    hanging: BTreeSet<String>,
    ports: EfaPorts,
    kernel: Kernel,
}

impl Health {
    /// Nothing is known yet.
    pub fn new(setup: Setup) -> Self {
        Self { setup, ..Self::default() }
    }

    /// For a program that looks once and cannot wait until signs are confirmed by time.
    pub fn at_once(setup: Setup) -> Self {
        Self { engine: Engine::at_once(), ..Self::new(setup) }
    }

    /// With the findings of an earlier run of the program in this boot.
    pub fn restore(setup: Setup, saved: Saved, boot_id: &str) -> Self {
        Self { engine: Engine::restore(saved, boot_id), ..Self::new(setup) }
    }

    /// Takes in what was seen.
    pub fn see(&mut self, now: Now, seen: Seen) -> Wants {
        match seen {
            Seen::GpuBus { gpus, hardware, nvswitches } => self.gpu_bus(now, gpus, hardware, nvswitches),
            Seen::Gpus(Ok(sweep)) => self.sweep(now, *sweep),
            Seen::GpusInBrief(sweep) => self.sweep_in_brief(now, *sweep),
            Seen::Gpus(Err(why)) => self.nvml_unusable(now, why),
            Seen::Probe(trouble) => self.probe(now, &trouble),
            Seen::GpuEvent(event) => return self.gpu_event(now, &event),
            Seen::GpuEventsEnded(_) => self.engine.silent(&Source::GpuEvents),
            Seen::Efa(seen) => self.efa(now, *seen),
            Seen::EfaDevices(samples) => return self.efa_devices(now, &samples),
            Seen::EfaPort { device, what } => self.efa_port(now, &device, what),
            Seen::Libfabric(listed) => self.libfabric(now, listed),
            Seen::LibfabricProbe(trouble) => self.libfabric_probe(now, &trouble),
            Seen::Kernel(entry) => return self.line(now, &entry),
            Seen::KernelLost(count) => self.lines_lost(now, count),
            Seen::Unseen(source, _) => self.engine.silent(&source),
            Seen::Heard(source) => self.engine.heard(&source),
            Seen::Versions(versions) => self.known.versions = Some(*versions),
            Seen::EfaHeld(held) => self.known.efa_held = held,
        }
        Wants::default()
    }

    /// Time passes.
    pub fn tick(&mut self, now: Now) {
        self.engine.tick(now);
    }

    /// When [`Health::tick`] has something to do, on the clock of [`Now::boot`].
    pub fn next_tick(&self) -> Option<Duration> {
        self.engine.next_expiry()
    }

    /// Every finding, worst first.
    pub fn findings(&self) -> Vec<Present> {
        self.engine.findings()
    }

    /// What changed since this was asked last.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.engine.take_changes()
    }

    /// What is known of the devices.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// What the machine should be.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The sources that say nothing any more.
    pub fn silent_sources(&self) -> impl Iterator<Item = &Source> {
        self.engine.silent_sources()
    }

    /// The findings, to be kept over a restart of the program.
    pub fn save(&self, boot_id: &str) -> Saved {
        self.engine.save(boot_id)
    }

    fn happened(&mut self, now: Now, source: &Source, sightings: impl IntoIterator<Item = Sighting>) {
        for sighting in sightings {
            self.engine.happened(now, source, sighting);
        }
    }
}
