//! How a step ended.

use std::time::Duration;

use gpunode_host::Finding;
use serde::{Serialize, Serializer};

use crate::os::{Ran, microseconds};
use crate::step::StepId;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// All was as it should be.
    Unchanged,
    /// Something was changed, and a second look found it right.
    Changed,
    /// Something would be changed, but `--plan` was given.
    Planned,
    /// There is nothing to do on this machine.
    NotApplicable,
    /// Left out on request.
    Skipped,
    /// It did not do its work.
    Failed,
    /// It could not start, because of another step.
    NotRun,
}

impl Outcome {
    /// As it stands in tables.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Planned => "planned",
            Self::NotApplicable => "not needed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::NotRun => "not run",
        }
    }
}

/// How one step ended, with all that is to be told of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepResult {
    pub(crate) step: StepId,
    pub(crate) outcome: Outcome,
    pub(crate) summary: String,
    /// What was changed, or would be.
    pub(crate) changes: Vec<String>,
    pub(crate) findings: Vec<Finding>,
    /// Wall time, in milliseconds when serialized.
    #[serde(rename = "elapsedMs", serialize_with = "milliseconds")]
    pub(crate) elapsed: Duration,
    /// From the begin of the run, in microseconds when serialized, as are the times of the commands.
    #[serde(rename = "startUs", serialize_with = "microseconds")]
    pub(crate) start: Duration,
    #[serde(rename = "endUs", serialize_with = "microseconds")]
    pub(crate) end: Duration,
    /// The steps of this run whose end it waited for.
    pub(crate) waited_for: Vec<StepId>,
    /// The external commands that it ran, by their end.
    pub(crate) commands: Vec<Ran>,
}

impl StepResult {
    pub(crate) fn ended(step: StepId, outcome: Outcome, summary: impl Into<String>) -> Self {
        Self {
            step,
            outcome,
            summary: summary.into(),
            changes: Vec::new(),
            findings: Vec::new(),
            elapsed: Duration::ZERO,
            start: Duration::ZERO,
            end: Duration::ZERO,
            waited_for: Vec::new(),
            commands: Vec::new(),
        }
    }

    pub(crate) fn failed(step: StepId, finding: Finding) -> Self {
        Self { findings: vec![finding.clone()], ..Self::ended(step, Outcome::Failed, finding.message) }
    }
}

pub(crate) fn milliseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(gpunode_host::millis(*time))
}
