//! The last look: one step may have undone what another did, and where steps took long, a device may have gone or
//! fallen ill meanwhile.

use std::panic::resume_unwind;
use std::thread;

use gpunode_host::count;
use gpunode_host::{Finding, Severity, reason};

use crate::context::Context;
use crate::os::Os;
use crate::step::{Check, Failure, Step, StepId, Steps};

/// Looks at the work of all other steps again.
pub(crate) struct Verify {
    steps: Steps,
}

impl Verify {
    pub(crate) fn new(steps: Steps) -> Self {
        Self { steps }
    }
}

fn same(one: &Finding, other: &Finding) -> bool {
    (one.code, &one.subject) == (other.code, &other.subject)
}

impl Step for Verify {
    fn id(&self) -> StepId {
        StepId::Verify
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        if cx.plan_only {
            return Ok(Check::not_applicable("nothing was changed, so there is nothing to verify"));
        }
        // Devices that are sick already are not asked again: one that hangs costs a minute each time.
        let sick = cx.found_by(StepId::Health).iter().any(|found| found.severity == Severity::Error);
        let again = |id| cx.ended_well(id) && !(sick && id == StepId::Health);
        let good: Vec<_> = self.steps.iter().filter(|step| again(step.id())).collect();
        cx.forget_versions();
        let looks: Vec<_> = thread::scope(|scope| {
            let looks: Vec<_> = good.iter().map(|step| (step, scope.spawn(|| step.check(cx, os)))).collect();
            let joined = looks.into_iter().map(|(step, look)| (step, look.join()));
            joined.map(|(step, look)| (step, look.unwrap_or_else(|panic| resume_unwind(panic)))).collect()
        });
        let mut verified = Check::done(format!("{} looked at again", count(good.len(), "step")));
        for (step, look) in looks {
            let mut check = look?;
            if let Some(change) = check.changes.first() {
                let message = format!("was right when its step ended, and is not any more: {change}");
                return Err(Failure::new(&reason::STEP_UNDONE, step.id().name(), message));
            }
            if step.id() == StepId::Health {
                // What the step itself has said is not said twice.
                let told = cx.found_by(StepId::Health);
                check.findings.retain(|found| !told.iter().any(|told| same(told, found)));
                verified.summary = format!("{}; {}", verified.summary, check.summary);
                verified.findings = check.findings;
            }
        }
        Ok(verified)
    }

    fn apply(&self, _: &Context, _: &Os) -> Result<(), Failure> {
        Ok(())
    }
}
