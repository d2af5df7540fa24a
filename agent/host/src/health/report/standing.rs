//! What the findings come to, for one device and for the node.

use serde::Serialize;

use super::SourceReport;
use crate::finding::Severity;
use crate::health::{Kind, Present};

/// What a look comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything that matters answered, and no error or warning was found.
    Healthy,
    /// There are warnings, and no error.
    Degraded,
    /// There is an error: the node must not take GPU work.
    Unhealthy,
    /// No error is known, but a source that matters did not answer or could not be read.
    Unknown,
}

impl Verdict {
    /// As it stands in the document.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
            Self::Unknown => "unknown",
        }
    }
}

/// How one device fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Nobody could ask it, and nothing is known against it.
    #[default]
    Unknown,
    /// It was looked at, and nothing is wrong.
    Ok,
    /// The worst finding on it is worth knowing, and no more.
    Info,
    /// The worst finding on it is a warning.
    Warning,
    /// The worst finding on it is an error.
    Error,
}

impl Standing {
    /// As it stands in the document.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// By the findings on the subject; `asked` says whether the device answered.
    pub(super) fn new(findings: &[Present], kind: Kind, id: &str, asked: bool) -> Self {
        let on_it = findings.iter().filter(|found| found.subject.kind() == kind && found.subject.id() == id);
        match on_it.map(|found| found.severity).max() {
            Some(Severity::Error) => Self::Error,
            Some(Severity::Warning) => Self::Warning,
            // Something worth knowing about a device that does not answer does not make it a good one.
            Some(Severity::Info) if asked => Self::Info,
            None if asked => Self::Ok,
            Some(Severity::Info) | None => Self::Unknown,
        }
    }

    /// A finding may be about the disk, a partition of it, or its controller (`nvme1` of `nvme1n1`).
    pub(super) fn of_disk(findings: &[Present], name: &str) -> Self {
        let controller = name.rfind('n').map_or(name, |at| &name[..at]);
        let on_it = findings.iter().filter(|found| found.subject.kind() == Kind::Disk).map(|found| {
            let id = found.subject.id();
            let partition =
                id.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('p'));
            (id == controller || partition)
                .then_some(id)
                .map_or(Self::Ok, |id| Self::new(findings, Kind::Disk, id, true))
        });
        on_it.max_by_key(|standing| *standing as u8).unwrap_or(Self::Ok)
    }
}

/// The verdict, and where it is unknown the reasons. An error that is known decides, whatever did not answer; but what
/// did not answer outweighs a warning, since it may hide an error.
pub(super) fn verdict(findings: &[Present], sources: &[SourceReport]) -> (Verdict, Vec<String>) {
    let worst = findings.iter().map(|found| found.severity).max();
    if worst == Some(Severity::Error) {
        return (Verdict::Unhealthy, Vec::new());
    }
    let unknown: Vec<_> = sources.iter().filter_map(SourceReport::hides).collect();
    match worst {
        _ if !unknown.is_empty() => (Verdict::Unknown, unknown),
        Some(Severity::Warning) => (Verdict::Degraded, unknown),
        Some(Severity::Info | Severity::Error) | None => (Verdict::Healthy, unknown),
    }
}
