//! What is watched, how often, and how long anything may take.

use std::time::Duration;

use gpunode_host::Root;
use gpunode_host::catalog::{InstanceType, NvSwitch};
use gpunode_host::efa::{Expected, PortReaders};
use gpunode_host::health::Setup;
use gpunode_host::health::judge::Expect;
use gpunode_host::kernel_log::{DEVICE, Speakers, Start};
use gpunode_host::metadata::Eni;
use gpunode_probe_client as client;

/// What is watched and how. [`Settings::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The machine's file tree.
    pub root: Root,
    /// What the machine should be, see [`setup`].
    pub setup: Setup,
    /// How `gpunode-probe` is started. Its `root` is the probe's own and does not follow from [`Settings::root`]: a
    /// program in a container sets both.
    pub probe: client::Settings,
    /// How often each source is looked at.
    pub periods: Periods,
    /// How long each look may take.
    pub deadlines: Deadlines,
    /// The kernel log.
    pub kernel_log: KernelLog,
}

/// How often each source is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// NVML's fast values: 10 s. An event or a line of the kernel asks for a look at once.
    pub gpus: Duration,
    /// NVML's slow values (processes, InfoROM), along with a fast look: 60 s.
    pub gpus_slow: Duration,
    /// The least time between two looks at the GPUs, however many lines ask for one: 1 s.
    pub gpus_gap: Duration,
    /// The EFA devices' own counters, which are plain memory of the driver: 1 s.
    pub efa_counters: Duration,
    /// The EFA ports' counters, for which the card is asked: 10 s, spread over the devices.
    pub efa_ports: Duration,
    /// Which devices there are, on the PCI bus and as RDMA devices, and who holds EFA: 10 s.
    pub devices: Duration,
    /// Drivers and libraries: 60 s.
    pub versions: Duration,
    /// What libfabric lists: 60 s, and when the EFA devices change.
    pub libfabric: Duration,
}

impl Default for Periods {
    fn default() -> Self {
        Self {
            gpus: Duration::from_secs(10),
            gpus_slow: Duration::from_secs(60),
            gpus_gap: Duration::from_secs(1),
            efa_counters: Duration::from_secs(1),
            efa_ports: PortReaders::PERIOD,
            devices: Duration::from_secs(10),
            versions: Duration::from_secs(60),
            libfabric: Duration::from_secs(60),
        }
    }
}

/// How long each look may take until it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// A look at the GPUs through NVML: 5 s. Eight healthy ones take a fifth of a second.
    pub gpus: Duration,
    /// The first one of a process while the driver has yet to start a GPU: 50 s. That takes one to three seconds each
    /// ([`Starts`](gpunode_host::gpu_pci::Starts)), and a GPU's own firmware is lawfully waited for 45 s (Xid 119 comes after
    /// that).
    pub gpus_start: Duration,
    /// What a GPU says on the bus and through its driver's files: 2 s.
    pub gpu_bus: Duration,
    /// The counters of an EFA port: 2 s. The driver itself gives the card 30 s; a healthy one takes a millisecond.
    pub efa_port: Duration,
    /// What libfabric lists: 10 s.
    pub libfabric: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            gpus: Duration::from_secs(5),
            gpus_start: Duration::from_secs(50),
            gpu_bus: Duration::from_secs(2),
            efa_port: PortReaders::DEADLINE,
            libfabric: Duration::from_secs(10),
        }
    }
}

/// How the kernel log is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelLog {
    /// Where it is. A file or a FIFO of records may stand in.
    pub path: String,
    /// Where to begin. [`look`](crate::look()) always begins with the oldest record.
    pub start: Start,
    /// Whose lines count.
    pub speakers: Speakers,
}

impl Default for KernelLog {
    fn default() -> Self {
        Self { path: DEVICE.to_owned(), start: Start::Oldest, speakers: Speakers::Kernel }
    }
}

impl Settings {
    /// The defaults, for a machine.
    pub fn new(root: Root, setup: Setup) -> Self {
        Self {
            root,
            setup,
            probe: client::Settings::default(),
            periods: Periods::default(),
            deadlines: Deadlines::default(),
            kernel_log: KernelLog::default(),
        }
    }
}

/// What a machine should be: `kind` from the catalogue, `gpus` and `efa` where the operator says how many there are,
/// `enis` from the instance metadata. What is `None` is not known, and nothing is missed for it.
pub fn setup(
    kind: Option<&InstanceType>,
    gpus: Option<u32>,
    efa: Option<u32>,
    enis: Option<Vec<Eni>>,
) -> Setup {
    let efa = Expected::new(efa, kind, enis.as_deref());
    let expect = Expect {
        gpus: gpus.or_else(|| kind.map(InstanceType::gpu_count)),
        own_nvswitch: kind.is_some_and(|kind| kind.nvswitch == NvSwitch::Local),
        ultra_server: kind.is_some_and(|kind| kind.nvswitch == NvSwitch::UltraServer),
    };
    Setup { expect, efa, enis }
}
