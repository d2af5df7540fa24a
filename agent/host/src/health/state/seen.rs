//! What the state is told, and what it asks for.

use std::sync::Arc;
use std::time::Duration;

use gpunode_probe_protocol::fabric::Interfaces;
use gpunode_probe_protocol::gpu::{GpuEvent, Sweep};
use gpunode_probe_protocol::library::Unusable;

use crate::efa::{DeviceSample, Expected, Observation, PortFailure, PortReading};
use crate::gpu_pci::{GpuPci, Hardware};
use crate::health::Source;
use crate::health::judge::Expect;
use crate::health::judge::nvml::Trouble;
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
    /// A sweep that had less time than a call must stand for to be called hung: what it did not come to is not known.
    GpusInBrief(Box<Sweep>),
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
    /// The source cannot be seen or heard, for this reason: not that nothing is there.
    Unseen(Source, String),
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
    /// It has not answered for this long, which is less than a card must be silent for to be called dead.
    Late(Duration),
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
