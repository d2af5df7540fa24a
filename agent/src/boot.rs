//! One boot, from the settings to the report. `bootstrap` runs it on the machine, `demo` on a machine it made.

use std::sync::Arc;
use std::time::Instant;

use gpunode_host::catalog::InstanceType;
use gpunode_host::{Finding, boot_report, reason};
use uuid::Uuid;

use crate::context::Context;
use crate::exit::Exit;
use crate::facts;
use crate::guard::Guard;
use crate::journal::{self, CutOff, Journal};
use crate::os::Os;
use crate::print;
use crate::progress::Progress;
use crate::report::{self, Report, Usage, Verdict};
use crate::runner::{Event, Outcome, Runner, Selection};
use crate::settings::LocalSettings;
use crate::step::{StepId, Steps, chain};

/// What a boot, or the making of an image, is made of.
pub(crate) struct Boot {
    pub(crate) os: Os,
    pub(crate) steps: Steps,
    pub(crate) local: LocalSettings,
    pub(crate) plan_only: bool,
    pub(crate) selection: Selection,
    /// For an image: the instance types that it is for.
    pub(crate) image_for: Option<Vec<InstanceType>>,
}

/// A boot that ended.
pub(crate) struct Done {
    pub(crate) report: Report,
    pub(crate) exit: Exit,
}

impl Boot {
    /// Runs every step, keeps the journal, writes the report.
    pub(crate) fn run(self, progress: &mut dyn Progress, interrupted: &dyn Fn() -> bool) -> Done {
        let started = Instant::now();
        let run = Uuid::new_v4().to_string();
        let boot = journal::boot_id(self.os.root());
        let is_image = self.image_for.is_some();
        let early = if is_image { None } else { facts::early(&self.local, self.os.root()) };
        let cx = Context::new(self.local, self.plan_only).with_early(early);
        let cx = Arc::new(cx.making_image(self.image_for));
        let mut guard = Guard::new(&cx, &self.os, &self.selection, boot.as_deref());
        guard.put_up(&cx, &self.os);
        let mut record = Record::open(&self.os, self.plan_only, &run, boot.as_deref());
        let runner = Runner::new(self.steps, Arc::clone(&cx), self.os.clone(), self.selection);
        let mut steps = runner.run(
            &mut |event| {
                // The runner starts nothing else before this returns.
                if matches!(event, Event::Ended(result) if result.step == StepId::Facts) {
                    guard.put_up(&cx, &self.os);
                }
                record.event(event);
                progress.event(event);
            },
            interrupted,
        );
        progress.finish();
        if let Some(kubelet) = steps.iter_mut().find(|result| result.step == StepId::Kubelet) {
            kubelet.findings.extend(guard.finding());
        }
        if let Some(first) = steps.first_mut() {
            first.findings.extend(record.findings());
        }
        let verdict = Report::verdict(&steps);
        let facts = cx.facts();
        let mut report = Report {
            is_image,
            schema: if is_image { report::INSTALL_SCHEMA } else { boot_report::SCHEMA },
            agent_version: env!("CARGO_PKG_VERSION"),
            run,
            boot,
            finished: Report::now(),
            elapsed: started.elapsed(),
            own: Usage::now(),
            instance_id: facts.and_then(|f| f.instance_id()).map(str::to_owned),
            instance_type: facts.and_then(|f| f.instance_type.clone()),
            verdict,
            on_failure: (verdict == Verdict::Degraded && !is_image).then(|| cx.spec().on_failure.to_string()),
            steps,
        };
        if !self.plan_only {
            record.end(&mut report, &self.os);
        }
        let exit = exit(&report, interrupted());
        Done { report, exit }
    }
}

/// Keeps a node out whose configuration cannot be used, as far as `left`, what is right of it, says how. Returns
/// whether it is kept out.
pub(crate) fn keep_out(left: LocalSettings, os: &Os, selection: &Selection) -> bool {
    let boot = journal::boot_id(os.root());
    let early = facts::early(&left, os.root());
    let cx = Context::new(left, false).with_early(early);
    let mut guard = Guard::new(&cx, os, selection, boot.as_deref());
    guard.put_up(&cx, os);
    guard.stands()
}

fn exit(report: &Report, interrupted: bool) -> Exit {
    // A halt counts only when the kubelet step could do it; else the node is merely degraded.
    let kubelet_worked = report
        .steps
        .iter()
        .any(|r| r.step == StepId::Kubelet && matches!(r.outcome, Outcome::Changed | Outcome::Unchanged));
    match report.verdict {
        _ if interrupted => Exit::Interrupted,
        Verdict::Ok | Verdict::Planned => Exit::Ok,
        Verdict::Degraded if report.on_failure.as_deref() == Some("halt") && kubelet_worked => Exit::Halted,
        Verdict::Degraded => Exit::Degraded,
    }
}

/// The journal of the run and the log, side by side.
struct Record {
    journal: Option<Journal>,
    cut_off: Option<CutOff>,
}

impl Record {
    fn open(os: &Os, plan_only: bool, run: &str, boot_id: Option<&str>) -> Self {
        if plan_only {
            return Self { journal: None, cut_off: None };
        }
        let (journal, cut_off) = Journal::open(os, run, boot_id);
        Self { journal: Some(journal), cut_off }
    }

    fn event(&mut self, event: &Event) {
        if let Some(journal) = &mut self.journal {
            journal.event(event);
        }
        if let Event::Ended(result) = event {
            let (step, outcome) = (result.step.name(), result.outcome.word());
            let elapsed_ms = gpunode_host::millis(result.elapsed);
            let summary = result.summary.as_str();
            if matches!(result.outcome, Outcome::Failed | Outcome::NotRun) {
                tracing::error!(step, outcome, elapsed_ms, "{step}: {outcome}: {summary}");
            } else {
                tracing::info!(step, outcome, elapsed_ms, "{step}: {outcome}: {summary}");
            }
            for Finding { code, subject, message, .. } in &result.findings {
                tracing::warn!(step, code, subject, "{code} ({subject}): {message}");
            }
        }
    }

    /// What is to be told of the record itself.
    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(CutOff { run, changing }) = &self.cut_off {
            let place = if changing.is_empty() { "between steps".to_owned() } else { changing.join(", ") };
            let message = format!("it ended in: {place}");
            findings.push(Finding::new(&reason::RUN_NOT_FINISHED, run.as_str(), message));
        }
        if let Some(error) = self.journal.as_ref().and_then(|journal| journal.broken.as_ref()) {
            findings.push(Finding::new(&reason::FILE_NOT_WRITTEN, journal::PATH, chain(error)));
        }
        findings
    }

    fn end(&mut self, report: &mut Report, os: &Os) {
        let verdict = serde_json::to_value(report.verdict).unwrap_or_default();
        let verdict = verdict.as_str().unwrap_or_default();
        if let Some(journal) = &mut self.journal {
            journal.end(verdict);
        }
        report.save(os);
        let elapsed_ms = gpunode_host::millis(report.elapsed);
        tracing::info!(run = report.run, verdict, elapsed_ms, "the run ended: {verdict}");
    }
}

/// Prints the report: the table for people, or the last JSON line.
pub(crate) fn print(done: &Done, json: bool) {
    if json {
        print::out(serde_json::json!({"event": "report", "report": done.report}));
    } else {
        print::out(done.report.table());
    }
}
