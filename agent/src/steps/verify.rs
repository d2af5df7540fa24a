//! The last look: one step may have undone what another did, and a device may have gone meanwhile.

use std::panic::resume_unwind;
use std::thread;

use gpunode_host::reason;

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

impl Step for Verify {
    fn id(&self) -> StepId {
        StepId::Verify
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        if cx.plan_only {
            return Ok(Check::not_applicable("nothing was changed, so there is nothing to verify"));
        }
        let good: Vec<_> = self.steps.iter().filter(|step| cx.ended_well(step.id())).collect();
        cx.forget_versions();
        let looks: Vec<_> = thread::scope(|scope| {
            let looks: Vec<_> = good.iter().map(|step| (step, scope.spawn(|| step.check(cx, os)))).collect();
            let joined = looks.into_iter().map(|(step, look)| (step, look.join()));
            joined.map(|(step, look)| (step, look.unwrap_or_else(|panic| resume_unwind(panic)))).collect()
        });
        for (step, look) in looks {
            let check = look?;
            if let Some(change) = check.changes.first() {
                let message = format!("was right when its step ended, and is not any more: {change}");
                return Err(Failure::new(&reason::STEP_UNDONE, step.id().name(), message));
            }
        }
        Ok(Check::done(format!("{} steps looked at again", good.len())))
    }

    fn apply(&self, _: &Context, _: &Os) -> Result<(), Failure> {
        Ok(())
    }
}
