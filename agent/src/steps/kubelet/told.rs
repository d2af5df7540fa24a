//! Which labels and taints the kubelet is told: defaults, what others say, what the operator says.

use std::collections::BTreeMap;

use gpunode_host::kubernetes::Taint;
use gpunode_host::{Finding, reason};

use super::labels;
use super::plan::{Machine, OnTrouble, Wanted};
use super::taints;

/// The key of the taint of a node whose boot failed.
pub(super) const NOT_READY: &str = "gpunode.io/not-ready";

/// What the kubelet is told.
pub(super) struct Told {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) taints: Vec<Taint>,
}

impl Told {
    pub(super) fn new(machine: &Machine, wanted: &Wanted, findings: &mut Vec<Finding>) -> Self {
        Self {
            labels: node_labels(machine, wanted, findings),
            taints: node_taints(machine, wanted, findings),
        }
    }

    pub(super) fn flags(&self) -> Vec<String> {
        labels::flag(&self.labels).into_iter().chain(taints::flag(&self.taints)).collect()
    }
}

/// Defaults give way to what others say, and that to what the operator of gpunode says. A kubelet that is handed one
/// label it refuses does not start at all, so those are left out and told.
fn node_labels(machine: &Machine, wanted: &Wanted, findings: &mut Vec<Finding>) -> BTreeMap<String, String> {
    let others = labels::in_flags(&machine.others_flags);
    let mut labels: BTreeMap<_, _> = default_labels(wanted)
        .filter(|(key, value)| !others.contains_key(*key) && labels::refusal(key, value).is_none())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    for (key, value) in &wanted.labels {
        match labels::refusal(key, value) {
            None => {
                labels.insert(key.clone(), value.clone());
            }
            Some(why) => findings.push(Finding::new(
                &reason::NODE_LABEL_REFUSED,
                key,
                format!("label `{key}={value}` was left out: {why}"),
            )),
        }
    }
    labels
}

fn default_labels(wanted: &Wanted) -> impl Iterator<Item = (&'static str, &str)> {
    let gpu = [("nvidia.com/gpu", "true"), ("eks.amazonaws.com/compute-type", "gpu")];
    let instance_type =
        wanted.instance_type.as_deref().map(|name| ("node.kubernetes.io/instance-type", name));
    gpu.into_iter().filter(|_| wanted.gpu_node).chain(instance_type)
}

/// The same order of precedence as for labels; the taint that keeps work away from a broken node stands above all.
fn node_taints(machine: &Machine, wanted: &Wanted, findings: &mut Vec<Finding>) -> Vec<Taint> {
    let gpu = wanted.gpu_node.then(|| Taint::new("nvidia.com/gpu", "true", "NoSchedule"));
    let configured = || {
        let lists = machine.others_taints.iter().map(|(key, value, effect)| Taint::new(key, value, effect));
        lists.filter(|taint| taint.check().is_ok()).collect()
    };
    let others = taints::in_flags(&machine.others_flags).unwrap_or_else(configured);
    let mut operators = Vec::new();
    for text in &wanted.taints {
        match Taint::parse(text) {
            Ok(taint) => operators.push(taint),
            Err(why) => findings.push(Finding::new(
                &reason::NODE_TAINT_REFUSED,
                text,
                format!("taint `{text}` was left out: {why}"),
            )),
        }
    }
    let broken = wanted.on_trouble == OnTrouble::Taint && !wanted.troubles.is_empty();
    let not_ready = broken.then(|| Taint::new(NOT_READY, "true", "NoSchedule"));
    taints::merge(gpu.into_iter().chain(others).chain(operators).chain(not_ready))
}
