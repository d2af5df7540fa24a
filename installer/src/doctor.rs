//! What is wrong with a cluster, and what to do about it. Each check is bounded in time and stands alone: one that fails
//! says so and hides no other, and what could not be asked is never told as well.

mod addons;
mod aws;
mod claims;
mod clocks;
mod devices;
mod groups;
mod inside;
mod nodes;
mod permissions;
mod stated;

use std::fmt::{Display, Write as _};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

pub use addons::addons;
pub use aws::{Account, account, cluster};
pub use claims::claims;
pub use clocks::clocks;
pub use devices::devices;
pub use groups::{groups, quota, subnets};
pub use inside::{helm, rights, storage, unreachable};
pub use nodes::{nodes, these as these_nodes, workers};
pub use permissions::permissions;
pub use stated::stated;

/// For one check: each call in it has shorter bounds of its own.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// How bad something is, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Looked at, and as it must be.
    Ok,
    /// It works, and may not for long.
    Warning,
    /// It could not be looked at.
    Unknown,
    /// It does not work.
    Error,
}

/// What one check says of one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What it is about.
    pub subject: String,
    /// What was found.
    pub what: String,
    /// What to do about it.
    #[serde(rename = "do")]
    pub advice: Option<String>,
}

impl Finding {
    fn new(level: Level, subject: impl Display, what: impl Display, advice: Option<&str>) -> Self {
        let advice = advice.filter(|advice| !advice.is_empty()).map(str::to_owned);
        Self { level, subject: subject.to_string(), what: what.to_string(), advice }
    }

    /// As it must be.
    pub fn ok(subject: impl Display, what: impl Display) -> Self {
        Self::new(Level::Ok, subject, what, None)
    }

    /// It works, and may not for long.
    pub fn warning(subject: impl Display, what: impl Display, advice: &str) -> Self {
        Self::new(Level::Warning, subject, what, Some(advice))
    }

    /// It does not work.
    pub fn error(subject: impl Display, what: impl Display, advice: &str) -> Self {
        Self::new(Level::Error, subject, what, Some(advice))
    }

    /// It could not be looked at.
    pub fn unknown(subject: impl Display, why: impl Display) -> Self {
        Self::new(Level::Unknown, subject, format!("could not tell: {why}"), None)
    }
}

impl Level {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Error => "error",
        }
    }
}

/// Runs a check about `subject`, for so long and no longer.
pub async fn bounded(subject: &str, check: impl Future<Output = Vec<Finding>>) -> Vec<Finding> {
    bounded_by(DEADLINE, subject, check).await
}

async fn bounded_by(
    deadline: Duration,
    subject: &str,
    check: impl Future<Output = Vec<Finding>>,
) -> Vec<Finding> {
    let late = |_| vec![Finding::unknown(subject, format_args!("no answer within {} s", deadline.as_secs()))];
    tokio::time::timeout(deadline, check).await.unwrap_or_else(late)
}

/// The condition of an object of Kubernetes.
fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// A line for each, and one for what to do.
pub fn table(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.subject.chars().count()).max().unwrap_or(0);
    let mut text = format!("{:<8} {:<width$} what, and what to do\n", "level", "subject");
    for Finding { level, subject, what, advice } in findings {
        let what = what.replace(['\n', '\r'], " ");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<8} {subject:<width$} {what}", level.word());
        if let Some(advice) = advice {
            let _ = writeln!(text, "{:<8} {:<width$} -> {advice}", "", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_hangs_is_told_and_not_taken_for_well() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let hang = bounded_by(Duration::from_millis(20), "helm", std::future::pending());
        let found = runtime.block_on(hang);
        assert_eq!(found[0].level, Level::Unknown);
        assert!(found[0].what.starts_with("could not tell: no answer within"), "{found:?}");
    }

    #[test]
    fn the_table_has_a_line_for_the_advice() {
        let text = table(&[Finding::ok("helm", "v4"), Finding::error("add-on x", "gone\nand", "apply")]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1], "ok       helm     v4");
        assert_eq!(lines[2], "error    add-on x gone and");
        assert_eq!(lines[3].trim(), "-> apply");
    }
}
