//! The lines of `watch --json`.

use serde::Serialize;

use super::{Report, SourceReport};
use crate::health::{Change, Present};

/// The form of [`Watch`].
pub const WATCH_SCHEMA: &str = "gpunode.io/watch/v1";

/// One line of `watch --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Watch {
    /// `gpunode.io/watch/v1`
    pub schema: &'static str,
    /// When, in milliseconds since 1970.
    pub time_unix_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: WatchEvent,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum WatchEvent {
    /// The whole state, once every source has answered or was given up: the first line that says anything of health.
    Report {
        /// As of `check --json`.
        report: Box<Report>,
    },
    /// There is a new finding.
    Appeared {
        /// The finding.
        finding: Present,
    },
    /// What a finding says has changed, or its source fell silent or came back.
    Altered {
        /// The finding.
        finding: Present,
    },
    /// A finding is over.
    Gone {
        /// The finding, as it was last.
        finding: Present,
    },
    /// A source answered for the first time, fell silent, or came back.
    Source {
        /// The source.
        source: SourceReport,
    },
}

impl From<Change> for WatchEvent {
    fn from(change: Change) -> Self {
        match change {
            Change::Appeared(finding) => Self::Appeared { finding },
            Change::Altered(finding) => Self::Altered { finding },
            Change::Gone(finding) => Self::Gone { finding },
        }
    }
}

impl Watch {
    /// `event`, at this time.
    pub fn new(time_unix_ms: u64, event: WatchEvent) -> Self {
        Self { schema: WATCH_SCHEMA, time_unix_ms, event }
    }
}
