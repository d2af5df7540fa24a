//! The look at GPUs, EFA and disks before the node joins, by the rules of `check`: a node whose devices are sick does
//! not join as a healthy one.

mod confirm;

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use gpunode_host::count;
use gpunode_host::health::{Rule, rules};
use gpunode_host::spec::{Auto, NodeSpec};
use gpunode_host::{Finding, Severity, reason};

use confirm::{Errors, Next};

use crate::apart::Unanswered;
use crate::context::Context;
use crate::look::{self, Asked, Said};
use crate::os::Os;
use crate::step::{Check, Failure, Step, StepId, chain};

/// Who looks.
type Look = Box<dyn Fn(&Asked, &dyn Fn() -> bool) -> Result<Said, Unanswered> + Send + Sync>;

/// Between two looks at an error that does not count at the first.
const PAUSE: Duration = Duration::from_secs(1);
/// A good look that is not older is not repeated: it asks every card's admin queue and initialises every GPU, which
/// is most of the agent's own time where the steps behind it took none.
const FRESH: Duration = Duration::from_secs(5);

/// The state of the devices.
pub(crate) struct Health {
    look: Look,
    pause: Duration,
    fresh: Duration,
    without_libraries: Option<&'static str>,
    /// The last look, if nothing in it was worth a warning, and when it ended.
    good: Mutex<Option<(Instant, Check)>>,
}

impl Health {
    /// Looks in a process of its own, which the driver of a dead device may keep from ending.
    pub(crate) fn new() -> Self {
        let look = |asked: &Asked, cancelled: &dyn Fn() -> bool| look::ask(asked, cancelled);
        Self::with(Box::new(look))
    }

    /// Looks at a machine that is played in a folder. `why` NVML and libfabric are not asked.
    pub(crate) fn of_played(why: &'static str) -> Self {
        let look = |asked: &Asked, _: &dyn Fn() -> bool| Ok(look::look_here(asked));
        Self { without_libraries: Some(why), ..Self::with(Box::new(look)) }
    }

    fn with(look: Look) -> Self {
        Self { look, pause: PAUSE, fresh: FRESH, without_libraries: None, good: Mutex::default() }
    }

    /// The last look, if it was good and is fresh; its summary says how old it is.
    fn just_seen(&self) -> Option<Check> {
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, check) = good.as_ref().filter(|(at, _)| at.elapsed() < self.fresh)?;
        let mut check = check.clone();
        let _ = write!(check.summary, ", {:.1} s ago", at.elapsed().as_secs_f64());
        Some(check)
    }
}

impl Step for Health {
    fn id(&self) -> StepId {
        StepId::Health
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        if let Some(check) = self.just_seen() {
            return Ok(check);
        }
        let facts = cx.facts();
        let asked = Asked {
            root: os.root().path().to_owned(),
            kind: facts.and_then(|facts| facts.instance_type.clone()),
            efa: cx.spec().efa.expected_count,
            enis: facts.and_then(|facts| facts.metadata.as_ref()).map(|metadata| metadata.enis.clone()),
            without_libraries: self.without_libraries.map(str::to_owned),
        };
        let mut errors = Errors::default();
        loop {
            let check = self.once(cx, os, &asked)?;
            if errors.look(Instant::now(), &check.findings) == Next::Done || os.is_cancelled() {
                let is_good = check.findings.iter().all(|finding| finding.severity == Severity::Info);
                *self.good.lock().unwrap_or_else(PoisonError::into_inner) =
                    is_good.then(|| (Instant::now(), check.clone()));
                return Ok(check);
            }
            thread::sleep(self.pause);
        }
    }

    fn apply(&self, _: &Context, _: &Os) -> Result<(), Failure> {
        Ok(())
    }
}

impl Health {
    fn once(&self, cx: &Context, os: &Os, asked: &Asked) -> Result<Check, Failure> {
        let said = (self.look)(asked, &|| os.is_cancelled()).map_err(|error| {
            Failure::new(&reason::HEALTH_LOOK_FAILED, "health", format!("the look: {}", chain(&error)))
        })?;
        let mut check = Check::done(self.summary(&said));
        if said.is_unknown() {
            check.findings.push(Finding::new(&reason::HEALTH_UNKNOWN, "health", said.unknown.join("; ")));
        }
        // A step of its own has looked for some of these, and has said it in more words.
        let found = said.findings.into_iter().filter_map(look::SaidFinding::finding);
        let news = found.filter(|finding| !cx.was_told(finding, StepId::Health));
        check.findings.extend(news.map(|finding| as_required(finding, cx.spec())));
        Ok(check)
    }

    fn summary(&self, said: &Said) -> String {
        let Said { verdict, gpus, efa, .. } = said;
        let why = self.without_libraries.map_or_else(String::new, |why| format!("; {why}"));
        format!("{verdict}: {}, {}{why}", count(*gpus, "GPU"), count(*efa, "EFA interface"))
    }
}

/// What says that GPUs or their driver are not there, which `nvidia.required = "false"` allows.
const NO_GPUS: [&Rule; 3] = [&rules::GPU_MISSING, &rules::NVIDIA_DRIVER_ABSENT, &rules::GPU_NOT_BOUND];
/// The same of EFA.
const NO_EFA: [&Rule; 4] =
    [&rules::EFA_MISSING, &rules::EFA_ABSENT, &rules::EFA_DRIVER_ABSENT, &rules::EFA_NOT_BOUND];

/// What the operator does not require is no error where it is absent.
fn as_required(finding: Finding, spec: &NodeSpec) -> Finding {
    let is_one = |absent: &[&Rule]| absent.iter().any(|rule| rule.code == finding.code);
    let needed = |auto: Auto| auto.or(true);
    let allowed = (is_one(&NO_GPUS) && !needed(spec.nvidia.required))
        || (is_one(&NO_EFA) && !needed(spec.efa.required));
    if allowed { Finding { severity: Severity::Info, ..finding } } else { finding }
}

#[cfg(test)]
mod tests;
