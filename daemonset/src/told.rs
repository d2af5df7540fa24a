//! What the log says of findings and of sources.

use gpunode_host::Severity;
use gpunode_host::health::report::{SourceReport, SourceState};
use gpunode_host::health::{Change, Present};

/// Names a finding that appeared, changed or went: as a sentence, and as fields for whoever searches.
pub(crate) fn change(node: &str, change: &Change) {
    let (word, finding) = match change {
        Change::Appeared(finding) => ("found", finding),
        Change::Altered(finding) => ("changed", finding),
        Change::Gone(finding) => ("over", finding),
    };
    let Present { code, subject, message, .. } = finding;
    let severity = severity(finding.severity);
    tracing::info!(node, code, %subject, severity, "{word}: {code} ({subject}): {message}");
}

/// In one word, as in the metrics.
pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// The sources that answer by another way than the usual one.
#[derive(Debug, Default)]
pub(crate) struct Ways(Vec<String>);

impl Ways {
    /// Says by which way, once.
    pub(crate) fn tell(&mut self, node: &str, sources: &[SourceReport]) {
        let instead = sources.iter().filter(|it| matches!(it.state, SourceState::AnsweredInstead(_)));
        let now: Vec<_> = instead.map(SourceReport::sentence).collect();
        if now != self.0 {
            for sentence in &now {
                tracing::info!(node, "{sentence}");
            }
            self.0 = now;
        }
    }
}
