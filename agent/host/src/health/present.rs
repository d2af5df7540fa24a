//! A finding that stands.

use serde::Serialize;

use super::Subject;
use crate::finding::{Clears, Severity};

/// A finding that stands, as reports show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Present {
    /// The rule's code.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// What was seen and what was expected.
    pub message: String,
    /// When it was seen first, in milliseconds since 1970.
    pub since_unix_ms: u64,
    /// What takes it away.
    pub clears: Clears,
    /// What a person should do.
    pub action: &'static str,
    /// Whether the source that showed it has fallen silent since: it may be gone, but nobody can tell.
    pub stale: bool,
}
