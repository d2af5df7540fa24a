//! Where a report comes from.

use serde::Serialize;

use crate::health::{Health, Source};

/// One source, and how it fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SourceReport {
    /// Which one.
    pub name: SourceName,
    /// The PCI address of the device, where there is a source for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pci: Option<String>,
    /// How it fared.
    #[serde(flatten)]
    pub state: SourceState,
    /// Whether the verdict cannot be `healthy` or `degraded` without it on this machine.
    pub needed: bool,
}

/// The name of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SourceName {
    /// GPUs on the PCI bus, and what the driver's files say of them.
    GpuBus,
    /// NVML, asked by gpunode-probe.
    Nvml,
    /// NVML's event set.
    NvmlEvents,
    /// gpunode-probe itself.
    Probe,
    /// EFA devices in sysfs.
    EfaDevices,
    /// The driver's counters of one EFA.
    EfaDevice,
    /// The card's counters of one EFA; reading them proves that the card answers.
    EfaPort,
    /// libfabric, asked by gpunode-probe.
    Libfabric,
    /// The kernel log.
    KernelLog,
    /// Versions of drivers and libraries.
    Versions,
    /// Which programs hold EFA.
    Use,
    /// The instance metadata service.
    Metadata,
    /// The disks and where they are mounted; told only where the kernel does not answer.
    Disks,
}

impl SourceName {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::GpuBus => "the PCI bus",
            Self::Nvml => "NVML",
            Self::NvmlEvents => "NVML's events",
            Self::Probe => "gpunode-probe",
            Self::EfaDevices => "the EFA devices",
            Self::EfaDevice => "the EFA driver's counters",
            Self::EfaPort => "the EFA card's counters",
            Self::Libfabric => "libfabric",
            Self::KernelLog => "the kernel log",
            Self::Versions => "the versions",
            Self::Use => "the use of EFA",
            Self::Metadata => "the instance metadata",
            Self::Disks => "the disks",
        }
    }
}

/// How a source fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "state", content = "why")]
pub enum SourceState {
    /// It answered.
    Answered,
    /// It answered by another way than the usual one: which way, and why.
    AnsweredInstead(String),
    /// There is nothing to ask here, for this reason; that is no fault.
    NotNeeded(String),
    /// It answered nothing, or not everything, in time.
    Silent(String),
    /// It cannot be asked, for this reason.
    NotAvailable(String),
}

impl SourceState {
    /// Whether what it says can be relied on.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Answered | Self::AnsweredInstead(_) | Self::NotNeeded(_))
    }

    /// The reason, where there is one.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Answered => None,
            Self::AnsweredInstead(why)
            | Self::NotNeeded(why)
            | Self::Silent(why)
            | Self::NotAvailable(why) => Some(why),
        }
    }
}

impl SourceReport {
    /// Why nobody can tell that all is well, where that is because of this source.
    pub(super) fn hides(&self) -> Option<String> {
        (self.needed && !self.state.is_good()).then(|| self.sentence())
    }

    /// For people: `NVML: cannot open shared object file`.
    pub fn sentence(&self) -> String {
        let place = self.pci.as_ref().map(|pci| format!(" of {pci}")).unwrap_or_default();
        format!("{}{place}: {}", self.name.words(), self.state.why().unwrap_or("answered"))
    }
}

/// Every source, with whether it is needed on this machine.
pub(super) fn all<'a>(
    health: &Health,
    sources: impl IntoIterator<Item = (&'a Source, SourceState)>,
    disks: Option<&SourceState>,
) -> Vec<SourceReport> {
    let metadata = match &health.setup().enis {
        Some(_) => SourceState::Answered,
        None => SourceState::NotAvailable("no network interfaces are known from it".to_owned()),
    };
    let metadata = SourceReport { name: SourceName::Metadata, pci: None, state: metadata, needed: false };
    let row = |(source, state): (&Source, SourceState)| {
        let (name, pci) = name(source);
        SourceReport { name, pci, state, needed: needed(health, name) }
    };
    // Told only where they could not be seen: it has no rules.
    let disks = disks.map(|state| SourceReport {
        name: SourceName::Disks,
        pci: None,
        state: state.clone(),
        needed: true,
    });
    sources.into_iter().map(row).chain([metadata]).chain(disks).collect()
}

/// What must have answered before anybody can say that this machine is well. Not libfabric, which many hosts with EFA
/// do not have, nor what only adds to what others say.
fn needed(health: &Health, name: SourceName) -> bool {
    let (known, setup) = (health.known(), health.setup());
    let gpus = !known.gpus.is_empty() || setup.expect.gpus.is_some_and(|count| count > 0);
    let efa = known.efa.as_ref().is_some_and(|efa| !efa.functions.is_empty() || !efa.devices.is_empty())
        || setup.efa.count().is_some_and(|count| count > 0);
    match name {
        SourceName::GpuBus | SourceName::EfaDevices | SourceName::EfaDevice | SourceName::EfaPort => true,
        SourceName::Nvml => gpus,
        SourceName::KernelLog => gpus || efa,
        SourceName::NvmlEvents
        | SourceName::Probe
        | SourceName::Libfabric
        | SourceName::Versions
        | SourceName::Use
        | SourceName::Metadata
        | SourceName::Disks => false,
    }
}

fn name(source: &Source) -> (SourceName, Option<String>) {
    match source {
        Source::Gpus => (SourceName::Nvml, None),
        Source::GpuBus => (SourceName::GpuBus, None),
        Source::GpuEvents => (SourceName::NvmlEvents, None),
        Source::Probe => (SourceName::Probe, None),
        Source::EfaDevices => (SourceName::EfaDevices, None),
        Source::EfaDevice(pci) => (SourceName::EfaDevice, Some(pci.clone())),
        Source::EfaPort(pci) => (SourceName::EfaPort, Some(pci.clone())),
        Source::Libfabric => (SourceName::Libfabric, None),
        Source::KernelLog => (SourceName::KernelLog, None),
        Source::Versions => (SourceName::Versions, None),
        Source::Use => (SourceName::Use, None),
    }
}
