//! Step `kubelet`: the labels and taints that the node registers with, and whether it may register at all.
//!
//! On EKS images nodeadm starts the kubelet; it is told by a drop-in ([`plan::NODEADM_FILE`]). Elsewhere the kubelet
//! of kubeadm is told by `KUBELET_EXTRA_ARGS`. What others hand over (EKS, Karpenter, the operator's own NodeConfig)
//! stays in force: see [`labels`] and [`taints`].
//!
//! A node whose boot failed joins with the taint `gpunode.io/not-ready`, or does not join (`onFailure = "halt"`):
//! then [`plan::HALT`] is there, and a condition keeps nodeadm and the kubelet from starting. A kubelet that runs
//! already is not stopped. Running the agent again after the cause is gone takes both away, the taint for the next
//! registration; the taint of a node that is registered is `kubectl`'s to take.
//!
//! Until this step has ended nobody knows whether the boot fails, and an agent that is killed never comes here. So
//! the taint or the halt is put up first of all ([`guard()`]), and this step takes it down.

mod flags;
mod guard;
mod labels;
mod observe;
mod plan;
mod taints;
#[cfg(test)]
mod tests;
mod told;

pub(crate) use guard::{guard, has_joined};
pub(crate) use labels::TABLE as LABELS;

use gpunode_host::spec::{Nodeadm, OnFailure};
use gpunode_host::{Finding, Root};

use self::observe::{Allowed, Document};
use self::plan::{Machine, OnTrouble, Plan, Wanted};
use super::{files_to_write, gpus, systemd};
use crate::context::Context;
use crate::os::Os;
use crate::step::{Check, Failure, Step, StepId};

/// How a trouble of this step begins, see [`Context::troubles`].
const OWN: &str = "kubelet: ";

/// The step.
pub(crate) struct Kubelet;

impl Step for Kubelet {
    fn id(&self) -> StepId {
        StepId::Kubelet
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        let (machine, plan) = look(cx, os)?;
        let mut changes = files_to_write(os, &plan.files);
        let surplus = plan.absent.iter().filter(|path| os.root().exists(path));
        changes.extend(surplus.map(|path| format!("remove {}", path.display())));
        if systemd::is_behind(os, self.id()) || systemd::needs_reload(os, &machine.units)? {
            changes.push("let systemd read its units again".into());
        }
        Ok(Check { changes, findings: plan.findings, summary: plan.summary, not_applicable: false })
    }

    fn apply(&self, cx: &Context, os: &Os) -> Result<(), Failure> {
        let (_, plan) = look(cx, os)?;
        systemd::about_to_change(os, self.id())?;
        for file in &plan.files {
            os.write(file)?;
        }
        for path in &plan.absent {
            os.remove(path)?;
        }
        systemd::reload(os, self.id())
    }
}

fn look(cx: &Context, os: &Os) -> Result<(Machine, Plan), Failure> {
    let mut findings: Vec<Finding> = Vec::new();
    let (machine, wanted) = observed(cx, os, &mut findings)?;
    let mut plan = plan::plan(&machine, &wanted);
    findings.append(&mut plan.findings);
    Ok((machine, Plan { findings, ..plan }))
}

fn observed(cx: &Context, os: &Os, findings: &mut Vec<Finding>) -> Result<(Machine, Wanted), Failure> {
    let (allowed, wanted) = wanted(cx, os.root());
    Ok((observe::observe(os.root(), allowed, &node_configs(cx), findings)?, wanted))
}

/// The configuration and the run so far, as this step needs them.
fn wanted(cx: &Context, root: &Root) -> (Allowed, Wanted) {
    let spec = cx.spec();
    let facts = cx.facts();
    let allowed = match spec.kubelet.nodeadm {
        Nodeadm::Auto => Allowed::Auto,
        Nodeadm::Nodeadm => Allowed::Nodeadm,
        Nodeadm::None => Allowed::None,
    };
    let wanted = Wanted {
        instance_type: facts.and_then(|facts| facts.instance_type.clone()),
        gpu_node: gpus::expected(cx, root),
        labels: spec.kubelet.labels.clone(),
        taints: spec.kubelet.taints.clone(),
        on_trouble: match spec.on_failure {
            OnFailure::Taint => OnTrouble::Taint,
            OnFailure::Halt => OnTrouble::Halt,
            OnFailure::Join => OnTrouble::Join,
        },
        // Not this step's own, or a later look would ask for more than the step did.
        troubles: cx.troubles().into_iter().filter(|line| !line.starts_with(OWN)).collect(),
    };
    (allowed, wanted)
}

/// The parts of the user data that nodeadm reads: content type `application/node.eks.aws`, or a NodeConfig without
/// MIME around it.
fn node_configs(cx: &Context) -> Vec<Document> {
    cx.node_configs().iter().map(|text| Document { origin: "user data".into(), text: text.clone() }).collect()
}
