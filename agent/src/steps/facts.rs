//! Who this machine is, and what it was asked to be.

use crate::context::Context;
use crate::facts;
use crate::os::Os;
use crate::step::{Check, Failure, Step, StepId};

/// Finds the facts that every other step needs.
pub(crate) struct FactsStep;

impl Step for FactsStep {
    fn id(&self) -> StepId {
        StepId::Facts
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        let (facts, findings) = match cx.image_for() {
            Some(types) => (facts::of_image(&cx.local, types), Vec::new()),
            None => facts::gather(&cx.local, os.root())?,
        };
        let check = Check {
            findings,
            ..Check::done(cx.image_for().map_or_else(|| facts.summary(), facts::about_image))
        };
        cx.set_facts(facts);
        Ok(check)
    }

    fn apply(&self, _: &Context, _: &Os) -> Result<(), Failure> {
        Ok(())
    }
}
