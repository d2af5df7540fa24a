//! The boot report: what the run found and did, as data for the daemonset and as a table for people.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use gpunode_host::{Finding, Severity, boot_report, reason};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde::Serialize;

use crate::os::{FileSpec, Os};
use crate::runner::{Outcome, StepResult};
use crate::step::chain;

/// Of the last run, to be read after a crash.
pub(crate) const KEPT_PATH: &str = "/var/lib/gpunode/report.json";

/// Of the making of an image: on no node, so that nobody takes it for the report of a boot.
pub(crate) const INSTALL_PATH: &str = "/var/lib/gpunode/install.json";
/// Names the form of that report, which is the form of a boot's.
pub(crate) const INSTALL_SCHEMA: &str = "gpunode.io/install-report/v1";

/// How the whole run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// Every step did its work and found no error.
    Ok,
    /// `--plan`: nothing was tried.
    Planned,
    /// A step failed or found an error.
    Degraded,
}

/// What a run found and did.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) schema: &'static str,
    /// Of the making of an image.
    #[serde(skip)]
    pub(crate) is_image: bool,
    pub(crate) agent_version: &'static str,
    pub(crate) run: String,
    pub(crate) boot: Option<String>,
    /// RFC 3339, UTC.
    pub(crate) finished: String,
    #[serde(rename = "elapsedMs", serialize_with = "crate::runner::milliseconds")]
    pub(crate) elapsed: Duration,
    /// What the agent itself used, the programs that it ran left out.
    pub(crate) own: Usage,
    pub(crate) instance_id: Option<String>,
    pub(crate) instance_type: Option<String>,
    pub(crate) verdict: Verdict,
    /// What `onFailure` did, when the verdict is degraded: `taint`, `halt` or `join`.
    pub(crate) on_failure: Option<String>,
    pub(crate) steps: Vec<StepResult>,
}

/// What a process used.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Usage {
    /// Processor time in user and kernel mode, in milliseconds.
    cpu_ms: i64,
    /// The largest resident set, in KiB.
    peak_rss_kib: i64,
}

impl Usage {
    /// Of this process, so far. Source: getrusage(2).
    pub(crate) fn now() -> Self {
        let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Self::default() };
        let time = usage.user_time() + usage.system_time();
        Self { cpu_ms: time.num_milliseconds(), peak_rss_kib: usage.max_rss() }
    }
}

impl Report {
    /// How the run ended, by its steps.
    pub(crate) fn verdict(steps: &[StepResult]) -> Verdict {
        if steps.iter().any(|step| step.outcome == Outcome::NotRun || is_bad(step)) {
            Verdict::Degraded
        } else if steps.iter().any(|r| r.outcome == Outcome::Planned) {
            Verdict::Planned
        } else {
            Verdict::Ok
        }
    }

    pub(crate) fn now() -> String {
        humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
    }

    /// Writes the report to both places, the one under `/run` last, so that it says where the other could not be
    /// written. Neither depends on the other.
    pub(crate) fn save(&mut self, os: &Os) {
        let paths = if self.is_image { &[INSTALL_PATH][..] } else { &[KEPT_PATH, boot_report::PATH][..] };
        for path in paths.iter().copied() {
            let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
            if let Err(error) = os.write(&FileSpec::new(path, text)) {
                let message = chain(&error);
                tracing::error!("the report was not saved: {message}");
                let told = Finding::new(&reason::REPORT_NOT_SAVED, path, message);
                self.steps.last_mut().map(|last| last.findings.push(told)).unwrap_or_default();
            }
        }
    }

    /// The table and the findings, for people.
    pub(crate) fn table(&self) -> String {
        let width = self.steps.iter().map(|r| r.step.name().len()).max().unwrap_or(0);
        let mut text = String::new();
        for result in &self.steps {
            let (name, word) = (result.step.name(), result.outcome.word());
            let _ = writeln!(
                text,
                "{name:width$}  {word:10}  {:>8}  {}",
                seconds(result.elapsed),
                result.summary
            );
        }
        for finding in self.steps.iter().flat_map(|result| &result.findings) {
            let kind = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "note",
            };
            let _ = write!(
                text,
                "\n{kind}: {} ({}): {}\n  {}\n",
                finding.code, finding.subject, finding.message, finding.action
            );
        }
        let _ = write!(text, "\n{}", self.sentence());
        text
    }

    fn sentence(&self) -> String {
        let count = |outcome| self.steps.iter().filter(|r| r.outcome == outcome).count();
        let changed = count(Outcome::Changed);
        let time = seconds(self.elapsed);
        let what = if self.is_image { "image" } else { "node" };
        match self.verdict {
            Verdict::Ok if changed == 0 => {
                format!("The {what} is as it should be; nothing was changed ({time}).")
            }
            Verdict::Ok => {
                format!("The {what} is as it should be; steps that changed something: {changed} ({time}).")
            }
            Verdict::Planned => format!(
                "Nothing was changed; steps that would change something: {}.",
                count(Outcome::Planned)
            ),
            Verdict::Degraded => format!(
                "The {what} is not as it should be; steps that failed or found an error: {}, not run: {}{} ({time}).",
                self.steps.iter().filter(|step| is_bad(step)).count(),
                count(Outcome::NotRun),
                self.on_failure.as_ref().map(|what| format!("; onFailure = {what}")).unwrap_or_default(),
            ),
        }
    }
}

/// Whether a step failed, or found an error.
fn is_bad(step: &StepResult) -> bool {
    step.outcome == Outcome::Failed || step.findings.iter().any(|found| found.severity == Severity::Error)
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
