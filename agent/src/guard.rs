//! The guard: from before the first change of a run to the end of its kubelet step, the node is kept from joining as a
//! healthy one, so that a run that is killed anywhere does not let it in.
//!
//! Every boot is guarded anew: that the last one was healthy says nothing of this one, whose hardware may be another.
//! A boot is guarded until a run of it has found all well and let the node in. From then on nothing that a later run
//! of the same boot does changes what the node joined as, and a guard could only harm it.

use gpunode_host::spec::{OnFailure, Step};
use gpunode_host::{Finding, boot_report, reason};
use serde_json::Value;

use crate::context::Context;
use crate::os::Os;
use crate::runner::Selection;
use crate::step::StepId;
use crate::steps::kubelet;

/// The guard of one run.
pub(crate) struct Guard {
    /// Whether this run decides about joining, and nobody has let the node in yet.
    due: bool,
    stands: bool,
    /// Why it could not be put up.
    failure: Option<Finding>,
}

impl Guard {
    /// For a run of these steps in this boot; puts nothing up yet.
    pub(crate) fn new(cx: &Context, os: &Os, selection: &Selection, boot: Option<&str>) -> Self {
        let asked_for = selection.only.is_empty() || selection.only.contains(&StepId::Kubelet);
        let due = asked_for
            && !cx.plan_only
            && !cx.makes_image()
            && !is_let_in(os, boot)
            && !kubelet::has_joined(os);
        Self { due, stands: false, failure: None }
    }

    /// Puts the guard up as far as the configuration is known by now. The first call comes before anything else is
    /// changed, the second when the facts are known and nothing but them was looked for.
    pub(crate) fn put_up(&mut self, cx: &Context, os: &Os) {
        let spec = cx.spec();
        if !self.due || spec.on_failure == OnFailure::Join || spec.skip.contains(&Step::Kubelet) {
            return;
        }
        self.failure = None;
        match kubelet::guard(cx, os) {
            Ok(false) => {}
            Ok(true) if self.stands => {}
            Ok(true) => {
                self.stands = true;
                let on_failure = spec.on_failure;
                tracing::info!("until the end of the run the node is kept as after a failure: {on_failure}");
            }
            Err(failure) => {
                let Finding { code, subject, message, .. } = *failure.0;
                let message = format!("{code} ({subject}): {message}");
                tracing::warn!("the run goes on without a guard: {message}");
                self.failure = Some(Finding::new(&reason::RUN_NOT_GUARDED, "kubelet", message));
            }
        }
    }

    /// Whether the node is kept from joining as a healthy one.
    pub(crate) fn stands(&self) -> bool {
        self.stands
    }

    /// What is to be told of the guard.
    pub(crate) fn finding(&self) -> Option<Finding> {
        self.failure.clone()
    }
}

/// Whether a run of this boot has come to its end, found all well, and told the kubelet so.
fn is_let_in(os: &Os, boot: Option<&str>) -> bool {
    let text = os.root().read_text(boot_report::PATH).ok().flatten().unwrap_or_default();
    let report: Value = serde_json::from_str(&text).unwrap_or_default();
    let mut steps = report["steps"].as_array().into_iter().flatten();
    let told = steps.any(|step| {
        step["step"] == StepId::Kubelet.name()
            && matches!(step["outcome"].as_str(), Some("changed" | "unchanged"))
    });
    told && report["verdict"] == "ok" && report["boot"].as_str() == boot
}

#[cfg(test)]
mod tests;
