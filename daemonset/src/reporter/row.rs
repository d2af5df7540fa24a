//! One condition: what is seen of its area, and the words for it.

use gpunode_host::Severity;
use gpunode_host::health::Present;
use gpunode_host::health::report::SourceReport;

use super::Seen;
use crate::area::Area;
use crate::bootstrapped::Bootstrapped;
use crate::condition::{Condition, Type};
use crate::keeper::{Basis, Keeper, Sight, Status};
use crate::{eks, text};

/// One condition that follows from findings.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) kind: Type,
    pub(super) area: Area,
    pub(super) keeper: Keeper,
    /// Whether a finding makes it false.
    pub(super) is_error: fn(&Present) -> bool,
}

impl Row {
    pub(super) fn condition(
        &self,
        seen: &Seen<'_>,
        status: Status,
        basis: Basis,
        before: Option<&Condition>,
    ) -> Condition {
        let same = before.filter(|before| before.status == status);
        let since_unix_ms = same.map_or(seen.now.unix_ms, |before| before.since_unix_ms);
        let (reason, message) = match (status, basis) {
            (Status::False, Basis::Error) => self.errors(seen),
            (Status::True, Basis::Health | Basis::Silence) => self.well(seen),
            (Status::Unknown, Basis::Silence) => ("SourceSilent".to_owned(), self.silence(seen)),
            _ => match same {
                Some(before) => (before.reason.clone(), before.message.clone()),
                None => ("NotYetKnown".to_owned(), "not every source has answered yet".to_owned()),
            },
        };
        Condition { kind: self.kind, status, reason, message, since_unix_ms }
    }

    fn findings<'a>(&self, seen: &Seen<'a>) -> impl Iterator<Item = &'a Present> {
        let area = self.area;
        seen.report.findings.iter().filter(move |finding| Area::of(finding) == Some(area))
    }

    fn errors(&self, seen: &Seen<'_>) -> (String, String) {
        let errors: Vec<_> = self.findings(seen).filter(|finding| (self.is_error)(finding)).collect();
        let code = errors.first().map_or("Unknown", |finding| finding.code);
        let told: Vec<_> = errors.into_iter().map(sentence).collect();
        (self.reason(code), text::join(&told))
    }

    fn well(&self, seen: &Seen<'_>) -> (String, String) {
        let warnings: Vec<_> =
            self.findings(seen).filter(|finding| finding.severity >= Severity::Warning).collect();
        if let Some(worst) = warnings.first().filter(|_| self.is_ours()) {
            let reason = worst.code.to_owned();
            let told: Vec<_> = warnings.into_iter().map(sentence).collect();
            return (reason, text::join(&told));
        }
        let (reason, message) = match self.area {
            Area::Gpu if seen.report.gpus.is_empty() => ("NoGpus", "no GPU is here, and none should be"),
            Area::Gpu => ("GpusAreHealthy", "every GPU answers, and nothing is wrong with them"),
            Area::Efa if seen.report.efa.is_empty() => ("NoEfa", "no EFA is here, and none should be"),
            Area::Efa => ("EfaIsHealthy", "every EFA answers, and nothing is wrong with them"),
            Area::Storage => ("StorageIsHealthy", "the kernel tells of no error of disks or file systems"),
        };
        (reason.to_owned(), message.to_owned())
    }

    fn silence(&self, seen: &Seen<'_>) -> String {
        let silent = seen
            .report
            .sources
            .iter()
            .filter(|source| source.needed && self.area.hears(source.name) && !source.state.is_good());
        let told: Vec<_> = silent.map(SourceReport::sentence).collect();
        text::join(&told)
    }

    fn is_ours(&self) -> bool {
        matches!(self.kind, Type::GpuHealthy | Type::EfaHealthy | Type::NodeStorageHealthy)
    }

    fn reason(&self, code: &str) -> String {
        if self.is_ours() { code.to_owned() } else { eks::reason(code) }
    }
}

pub(super) fn is_error(finding: &Present) -> bool {
    finding.severity == Severity::Error
}

fn sentence(finding: &Present) -> String {
    format!("{}: {}", finding.subject, finding.message)
}

pub(super) fn sight(seen: &Seen<'_>, area: Area, is_error: fn(&Present) -> bool) -> Sight {
    let report = seen.report;
    let mut sources = report.sources.iter().filter(|source| source.needed && area.hears(source.name));
    let at = Area::ALL.iter().position(|each| *each == area).unwrap_or_default();
    Sight {
        error: report.findings.iter().any(|finding| Area::of(finding) == Some(area) && is_error(finding)),
        pending: seen.pending.areas[at],
        replaying: seen.pending.log,
        silent: sources.any(|source| !source.state.is_good()),
    }
}

pub(super) fn bootstrapped(seen: &Seen<'_>, before: Option<&Condition>) -> Condition {
    let Bootstrapped { status, reason, message, .. } = seen.bootstrapped.clone();
    let same = before.filter(|before| before.status == status);
    let since_unix_ms = same.map_or(seen.now.unix_ms, |before| before.since_unix_ms);
    Condition { kind: Type::NodeBootstrapped, status, reason, message, since_unix_ms }
}
