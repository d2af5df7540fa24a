//! The machine that is watched: its tree, who it is, and what it should be.

use std::time::Duration;

use gpunode_host::health::report::{Disk, Instance, Machine as Facts, Report, SourceState, Verdict};
use gpunode_host::health::{Health, Present, Source};
use gpunode_host::metadata::Metadata;
use gpunode_host::spec::{self, Layer, NodeSpec};
use gpunode_host::{Root, Severity, catalog, user_data};
use gpunode_monitor::{Settings, Sources};

use crate::area::Area;
use crate::reporter::Pending;

/// EC2 writes the instance type here on Nitro instances, so it is known even without the metadata service.
const DMI_PRODUCT: &str = "/sys/devices/virtual/dmi/id/product_name";
/// The agent's configuration, which says what the machine should have.
const CONFIG_FILE: &str = "/etc/gpunode/agent.toml";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const HOSTNAME: &str = "/proc/sys/kernel/hostname";
/// The metadata service answers in milliseconds, or not at all: a pod without the host's network is one hop further
/// away than it may answer.
const METADATA_DEADLINE: Duration = Duration::from_secs(2);

/// What is watched.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) root: Root,
    pub(crate) settings: Settings,
    instance: Instance,
}

impl Machine {
    /// Asks the metadata service who this is; without it, the machine itself says. `environment` may hold the settings
    /// of the agent (`GPUNODE_EFA_EXPECTED_COUNT`, `GPUNODE_IMDS_ENDPOINT`). With `own_libraries` NVML and libfabric are
    /// those of this program's own root.
    pub(crate) fn find(root: Root, own_libraries: bool, environment: Vec<(String, String)>) -> Self {
        let text = root.read_text(CONFIG_FILE).ok().flatten();
        let mut layers: Vec<_> = text.iter().map(|text| Layer::file(CONFIG_FILE, text)).collect();
        layers.push(Layer::env(environment));
        let local = spec(&layers);
        let fetched = local.as_ref().and_then(ask);
        let told = fetched.as_ref().and_then(|(_, data)| user_data::parse(data).ok()).unwrap_or_default();
        let at = layers.len() - 1;
        layers.splice(at..at, told.iter().map(Layer::user_data));
        let spec = spec(&layers);
        let metadata = fetched.map(|(metadata, _)| metadata);
        let identity = metadata.as_ref().map(|metadata| &metadata.identity);
        let of_board = root.value(DMI_PRODUCT).filter(|name| name.contains('.'));
        let instance = Instance::new(identity, of_board, &root);
        let kind = instance.kind.as_deref().and_then(catalog::find);
        let efa = spec.and_then(|spec| u32::try_from(spec.efa.expected_count?).ok());
        let setup = gpunode_monitor::setup(kind.as_ref(), None, efa, metadata.map(|metadata| metadata.enis));
        let mut settings = Settings::new(root.clone(), setup);
        // Else the libraries are those of the machine, and so is the loader that loads them.
        settings.probe.root = (!root.is_host() && !own_libraries).then(|| root.path().to_owned());
        Self { root, settings, instance }
    }

    /// This boot; nothing is kept where the kernel does not tell.
    pub(crate) fn boot_id(&self) -> Option<String> {
        self.root.value(BOOT_ID).filter(|id| !id.is_empty())
    }

    /// The machine's own name.
    pub(crate) fn hostname(&self) -> Option<String> {
        hostname(&self.root)
    }

    /// All that is known now; `disks` were looked at before.
    pub(crate) fn report(
        &self,
        health: &Health,
        sources: &Sources,
        disks: Result<Vec<Disk>, SourceState>,
        time_unix_ms: u64,
    ) -> Report {
        let facts = Facts { instance: self.instance.clone(), disks, time_unix_ms };
        let sources: Vec<_> = sources.iter().map(|(source, state)| (source, state.into())).collect();
        Report::new(health, sources, facts)
    }
}

/// The name that the kernel has.
pub(crate) fn hostname(root: &Root) -> Option<String> {
    root.value(HOSTNAME).filter(|name| !name.is_empty() && name != "(none)")
}

/// Adds what the daemonset itself has found, worst first.
pub(crate) fn add(report: &mut Report, found: Vec<Present>) {
    if found.iter().any(|finding| finding.severity == Severity::Error) {
        report.verdict = Verdict::Unhealthy;
    }
    report.findings.extend(found);
    report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
}

/// What has not spoken since the program began.
pub(crate) fn pending(sources: &Sources) -> Pending {
    let mut pending = Pending::default();
    for source in sources.pending() {
        pending.log |= *source == Source::KernelLog;
        for (at, area) in Area::ALL.into_iter().enumerate() {
            pending.areas[at] |= area.hears_source(source);
        }
    }
    pending
}

/// What is right in the settings; a mistake in the agent's configuration is the agent's to tell.
fn spec(layers: &[Layer]) -> Option<NodeSpec> {
    spec::load(layers).map(|(spec, _)| spec).ok().or_else(|| spec::salvage(layers))
}

fn ask(spec: &NodeSpec) -> Option<(Metadata, Vec<u8>)> {
    let settings = gpunode_imds::Settings {
        endpoint: spec.imds.endpoint.clone(),
        deadline: METADATA_DEADLINE,
        ..gpunode_imds::Settings::default()
    };
    let fetched = gpunode_imds::fetch_blocking(settings).ok()?;
    Some((fetched.reading.metadata, fetched.user_data.ok().flatten().unwrap_or_default()))
}
