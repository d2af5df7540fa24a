//! One step, from the first look to the last, on its own thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;

use gpunode_host::{Finding, reason};

use super::{Event, Outcome, StepResult};
use crate::context::Context;
use crate::os::Os;
use crate::step::{Check, Failure, Step, StepId};

/// Runs a step and sends what happens. A panic inside it is a failure of this step alone.
pub(super) fn step(step: &dyn Step, cx: &Context, os: &Os, sender: &Sender<Event>) {
    let id = step.id();
    let _ = sender.send(Event::Started(id));
    let result = catch_unwind(AssertUnwindSafe(|| look_and_change(step, cx, os, sender)))
        .unwrap_or_else(|_| {
            Err(Failure::new(&reason::STEP_PANICKED, id.name(), "a bug in gpunode ended this step"))
        })
        .unwrap_or_else(|Failure(finding)| StepResult::failed(id, *finding));
    let _ = sender.send(Event::Ended(result));
}

fn look_and_change(
    step: &dyn Step,
    cx: &Context,
    os: &Os,
    sender: &Sender<Event>,
) -> Result<StepResult, Failure> {
    let before = step.check(cx, os)?;
    let changes = before.changes.clone();
    if before.not_applicable {
        return Ok(result(step, Outcome::NotApplicable, before, changes));
    }
    if changes.is_empty() {
        return Ok(result(step, Outcome::Unchanged, before, changes));
    }
    if cx.plan_only {
        return Ok(result(step, Outcome::Planned, before, changes));
    }
    let _ = sender.send(Event::Changing(step.id(), changes.clone()));
    let applied = step.apply(cx, os);
    // Those that install; the others are many, and none of them changes a version.
    if matches!(step.id(), StepId::NvidiaDriver | StepId::Efa | StepId::OfiNccl) {
        cx.forget_versions();
    }
    applied?;
    let after = step.check(cx, os)?;
    if after.changes.is_empty() {
        return Ok(result(step, Outcome::Changed, after, changes));
    }
    let message = format!("changed, but a second look still finds to change: {}", after.changes.join("; "));
    let mut failed =
        StepResult::failed(step.id(), Finding::new(&reason::STEP_NOT_VERIFIED, step.id().name(), message));
    failed.findings.extend(after.findings);
    Ok(StepResult { changes, ..failed })
}

fn result(step: &dyn Step, outcome: Outcome, check: Check, changes: Vec<String>) -> StepResult {
    StepResult { changes, findings: check.findings, ..StepResult::ended(step.id(), outcome, check.summary) }
}
