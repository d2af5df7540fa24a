//! All that is known of this node's devices, and what is wrong with them: the one place that everything seen goes to.

mod efa;
mod gpu;
mod known;
mod log;
#[cfg(test)]
mod tests;

pub use known::{EfaDevice, Known, Libfabric, Nvml};

use std::sync::Arc;
use std::time::Duration;

use gpunode_probe_protocol::fabric::Interfaces;
use gpunode_probe_protocol::gpu::{GpuEvent, Sweep};
use gpunode_probe_protocol::library::Unusable;

use super::judge::Expect;
use super::judge::efa_device::EfaDevices;
use super::judge::efa_port::EfaPorts;
use super::judge::gpus::{Gpus, Hung};
use super::judge::kernel::Kernel;
use super::judge::nvml::Trouble;
use super::{Change, Engine, Now, Present, Saved, Sighting, Source};
use crate::efa::{DeviceSample, Expected, Observation, PortFailure, PortReading};
use crate::gpu_pci::{GpuPci, Hardware};
use crate::kernel_log::Entry;
use crate::metadata::Eni;
use crate::versions::Versions;

/// Something that was seen.
#[derive(Debug)]
pub enum Seen {
    /// The GPUs and NVSwitches on the PCI bus. `hardware` has one entry a GPU, `None` where the look did not come
    /// back in time.
    GpuBus {
        /// GPUs, by address.
        gpus: Vec<GpuPci>,
        /// What each said.
        hardware: Vec<Option<Hardware>>,
        /// Switches, by address.
        nvswitches: Vec<GpuPci>,
    },
    /// A sweep of the probe.
    Gpus(Result<Box<Sweep>, Unusable>),
    /// The probe is in trouble, and says nothing of the GPUs.
    Probe(Trouble),
    /// An NVML event.
    GpuEvent(GpuEvent),
    /// NVML's event set says nothing any more, with NVML's code.
    GpuEventsEnded(u32),
    /// EFA devices.
    Efa(Box<Observation>),
    /// The EFA devices' own counters.
    EfaDevices(Vec<DeviceSample>),
    /// A port's counters.
    EfaPort {
        /// The RDMA device.
        device: Arc<str>,
        /// What came of reading them.
        what: Port,
    },
    /// What libfabric lists.
    Libfabric(Result<Interfaces, Unusable>),
    /// The probe that asks libfabric is in trouble.
    LibfabricProbe(Trouble),
    /// A line of the kernel log.
    Kernel(Box<Entry>),
    /// So many lines of the kernel log were lost.
    KernelLost(u64),
    /// The kernel log cannot be read.
    KernelSilent,
    /// A source that says what happens, and not what is, can be heard.
    Heard(Source),
    /// Drivers and libraries.
    Versions(Box<Versions>),
    /// Whether a program holds EFA queue pairs; `None` where nobody can tell.
    EfaHeld(Option<bool>),
}

/// What came of reading a port's counters.
#[derive(Debug)]
pub enum Port {
    /// The card answered.
    Read(Box<PortReading>),
    /// The card, or the kernel for it, refused.
    Failed(PortFailure),
    /// The card has not answered for this long.
    Stalled(Duration),
}

/// What the machine should be.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// GPUs and fabric.
    pub expect: Expect,
    /// EFA interfaces.
    pub efa: Expected,
    /// The interfaces of the instance metadata; `None` without metadata.
    pub enis: Option<Vec<Eni>>,
}

/// What whoever looks should do next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// A sweep at once: what was seen says that a GPU has changed.
    pub sweep: bool,
    /// A look at the EFA devices at once.
    pub efa: bool,
}

/// The state of the node.
#[derive(Debug, Default)]
pub struct Health {
    setup: Setup,
    known: Known,
    engine: Engine,
    gpus: Gpus,
    hung: Hung,
    devices: EfaDevices,
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
            Seen::KernelSilent => self.engine.silent(&Source::KernelLog),
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
