//! What a rule is.

use std::time::Duration;

use serde::Serialize;

use super::Kind;
use crate::finding::{Clears, Severity};

/// One row of the catalogue.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Stable name, in the form of a Kubernetes condition reason.
    pub code: &'static str,
    /// What its findings are about.
    pub kind: Kind,
    /// How much they matter.
    pub severity: Severity,
    /// When signs become a finding.
    pub confirm: Confirm,
    /// What takes it away.
    pub clears: Clears,
    /// How long it stands after its last sign, where nothing else takes it away.
    pub hold: Option<Duration>,
    /// What it means, in one sentence.
    pub about: &'static str,
    /// How it is detected.
    pub detected: &'static str,
    /// What a person should do.
    pub action: &'static str,
    /// Where the rule, its numbers and its action come from.
    pub source: &'static str,
}

/// When signs become a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Confirm {
    /// At the first one.
    AtOnce,
    /// When this many looks in a row show them.
    Looks(u32),
    /// When every look for this long shows them.
    For(Duration),
    /// When this many fall into this span.
    Times(u32, Duration),
}
