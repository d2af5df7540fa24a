//! The sources, one a file, each with a thread.

pub(crate) mod efa;
pub(crate) mod efa_ports;
pub(crate) mod gpu_bus;
pub(crate) mod gpus;
pub(crate) mod kernel_log;
pub(crate) mod libfabric;
pub(crate) mod versions;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use gpunode_host::health::Source;

use crate::bell::Bell;
use crate::feed::{Feed, Over};
use crate::gate::Gate;
use crate::settings::Settings;

/// Enough for a parser of a debug build; of a release build's stack 40 KiB are touched at most.
const STACK: usize = 256 << 10;
/// How long a source waits for those that should go first.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// The sources that every machine has.
pub(crate) const ALL: [Source; 8] = [
    Source::Versions,
    Source::GpuBus,
    Source::Gpus,
    Source::GpuEvents,
    Source::EfaDevices,
    Source::Libfabric,
    Source::KernelLog,
    Source::Use,
];

/// The bell of each thread.
#[derive(Clone, Debug)]
pub(crate) struct Bells {
    pub(crate) gpus: Bell,
    pub(crate) efa: Bell,
    pub(crate) gpu_bus: Bell,
    pub(crate) libfabric: Bell,
    pub(crate) versions: Bell,
    pub(crate) kernel_log: Bell,
    pub(crate) efa_ports: Bell,
}

impl Bells {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            gpus: Bell::new()?,
            efa: Bell::new()?,
            gpu_bus: Bell::new()?,
            libfabric: Bell::new()?,
            versions: Bell::new()?,
            kernel_log: Bell::new()?,
            efa_ports: Bell::new()?,
        })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Bell> {
        let first = [&self.gpus, &self.efa, &self.gpu_bus, &self.libfabric];
        first.into_iter().chain([&self.versions, &self.kernel_log, &self.efa_ports])
    }
}

/// What every source has.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) settings: Arc<Settings>,
    pub(crate) feed: Feed,
    pub(crate) bell: Bell,
    pub(crate) gate: Gate,
    /// The EFA devices that are there, by name.
    pub(crate) devices: Devices,
}

/// The EFA devices that are there, by name: found by one source, read by others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Devices(Arc<Mutex<Named>>);

/// Devices, and how often they have changed.
type Named = (u64, Vec<Arc<str>>);

impl Devices {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().1.is_empty()
    }

    /// The devices, where they have changed since `seen`.
    pub(crate) fn newer(&self, seen: &mut u64) -> Option<Vec<Arc<str>>> {
        let known = self.lock();
        (std::mem::replace(seen, known.0) != known.0).then(|| known.1.clone())
    }

    /// Whether they are others than before.
    pub(crate) fn set(&self, devices: Vec<Arc<str>>) -> bool {
        let mut known = self.lock();
        let changed = known.1 != devices;
        if changed {
            *known = (known.0 + 1, devices);
        }
        changed
    }

    fn lock(&self) -> MutexGuard<'_, Named> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts every source's thread.
pub(crate) fn start(settings: Settings, feed: &Feed, bells: &Bells) -> io::Result<()> {
    let (settings, gate, devices) = (Arc::new(settings), Gate::default(), Devices::default());
    let place = |bell: &Bell| Place {
        settings: Arc::clone(&settings),
        feed: feed.clone(),
        bell: bell.clone(),
        gate: gate.clone(),
        devices: devices.clone(),
    };
    let of_devices = [bells.libfabric.clone(), bells.efa_ports.clone()];
    spawn("versions", place(&bells.versions), versions::run)?;
    spawn("gpu-bus", place(&bells.gpu_bus), gpu_bus::run)?;
    spawn("efa", place(&bells.efa), move |place| efa::run(place, &of_devices))?;
    spawn("efa-ports", place(&bells.efa_ports), efa_ports::run)?;
    spawn("gpus", place(&bells.gpus), gpus::run)?;
    spawn("libfabric", place(&bells.libfabric), libfabric::run)?;
    spawn("kernel-log", place(&bells.kernel_log), kernel_log::run)
}

/// The thread ends when its bell says so, or when nobody listens any more.
fn spawn(
    name: &str,
    place: Place,
    run: impl FnOnce(&Place) -> Result<(), Over> + Send + 'static,
) -> io::Result<()> {
    let work = move || {
        // It is over because nobody listens.
        let _ = run(&place);
    };
    thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(work).map(drop)
}
