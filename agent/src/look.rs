//! What `check`, `watch`, `inventory` and a boot look at, and the report of it.

mod asked;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gpunode_host::catalog;
use gpunode_host::health::Health;
use gpunode_host::health::report::{Disks, Instance, Machine, Report};
use gpunode_host::metadata::Eni;
use gpunode_host::{Root, spec::NodeSpec};
use gpunode_monitor::{Settings, Sources};

pub(crate) use asked::{Asked, COMMAND, Said, SaidFinding, answer, ask, look_here};

use crate::facts;

/// The metadata service answers in milliseconds, or not at all.
const METADATA_DEADLINE: Duration = Duration::from_secs(2);
/// Of the time there is, what the metadata may take at most.
const METADATA_SHARE: u32 = 4;

/// What is to be looked at: the machine, and what it should be.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) root: Root,
    pub(crate) instance: Instance,
    pub(crate) settings: Settings,
    disks: Arc<Mutex<Disks>>,
}

impl Target {
    /// Asks the metadata service who this is, for a part of `time`; without it, the machine itself says.
    pub(crate) fn find(root: Root, spec: &NodeSpec, time: Duration) -> Self {
        let time = METADATA_DEADLINE.min(time / METADATA_SHARE);
        // `None` outside EC2, or where the service does not answer in time: a look at the devices does not need it.
        let metadata = facts::ask(spec, time).ok().map(|fetched| fetched.reading.metadata);
        let identity = metadata.as_ref().map(|metadata| &metadata.identity);
        let told = facts::type_of_machine(&root);
        let instance = Instance::new(identity, told, &root);
        Self::new(root, instance, spec.efa.expected_count, metadata.map(|metadata| metadata.enis))
    }

    /// `efa`: how many interfaces the operator says there are; `enis`: those of the instance metadata.
    fn new(root: Root, instance: Instance, efa: Option<u64>, enis: Option<Vec<Eni>>) -> Self {
        let kind = instance.kind.as_deref().and_then(catalog::find);
        let count = efa.and_then(|count| u32::try_from(count).ok());
        let setup = gpunode_monitor::setup(kind.as_ref(), None, count, enis);
        let mut settings = Settings::new(root.clone(), setup);
        // The libraries are those of the machine that is looked at.
        settings.probe.root = (!root.is_host()).then(|| root.path().to_owned());
        Self { root, instance, settings, disks: Arc::default() }
    }

    /// What is known now. The disks are looked at for it: the table of mounts stands where a mount does.
    pub(crate) fn report(&self, health: &Health, sources: &Sources) -> Report {
        let machine = Machine {
            instance: self.instance.clone(),
            disks: self.disks.lock().unwrap_or_else(PoisonError::into_inner).look(&self.root),
            time_unix_ms: now_unix_ms(),
        };
        let sources: Vec<_> = sources.iter().map(|(source, state)| (source, state.into())).collect();
        Report::new(health, sources, machine)
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    gpunode_host::millis(since)
}
