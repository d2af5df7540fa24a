//! One GPU node.

mod conditions;
mod devices;

use std::time::SystemTime;

use gpunode_host::catalog::{self, InstanceType};
use serde_json::Value;

use crate::daemonset::Watched;
use crate::devices::Offers;
use crate::doctor::{Finding, condition};
use crate::settings::Settings;

#[cfg(test)]
pub(super) use conditions::CONDITIONS;
use conditions::conditions;
use devices::offers;

/// Letters of a message that are shown.
const MOST: usize = 300;

/// Of the agent, on a node whose boot failed; of the DaemonSet, on a sick one.
const TAINTS: [(&str, &str); 2] = [
    (
        "gpunode.io/not-ready",
        "the agent could not bring the node up: see NodeBootstrapped, and journalctl -u gpunode-agent on the node",
    ),
    ("gpunode.io/unhealthy", "see the condition that it names; it goes with it"),
];
/// The instance type of a node, where the catalogue knows it.
pub(super) fn kind(node: &Value) -> Option<InstanceType> {
    catalog::find(node["metadata"]["labels"]["node.kubernetes.io/instance-type"].as_str()?)
}

/// Everything that is wrong with `node`; nothing where it is well.
pub(super) fn judge(
    settings: &Settings,
    node: &Value,
    (watched, offered): (Option<&Watched>, Option<&Offers>),
    now: SystemTime,
) -> Vec<Finding> {
    let name = node["metadata"]["name"].as_str().unwrap_or_default();
    let subject = format!("node {name}");
    let mut findings = Vec::new();
    let ready = condition(node, "Ready");
    if ready.is_none_or(|ready| ready["status"] != "True") {
        let said =
            ready.and_then(|ready| ready["message"].as_str()).unwrap_or("its kubelet has said nothing");
        let advice = "see journalctl -u kubelet on the node, and whether it reaches the API server";
        findings.push(Finding::error(&subject, format_args!("is not Ready: {}", cut(said)), advice));
    }
    if node["spec"]["unschedulable"] == true {
        findings.push(Finding::warning(
            &subject,
            "is cordoned: it gets no pods",
            "kubectl uncordon it once it is well",
        ));
    }
    findings.extend(taints(&subject, node));
    match kind(node) {
        Some(kind) => {
            findings
                .extend(offered.iter().flat_map(|offered| offers(settings, &subject, node, &kind, offered)));
        }
        None => findings.push(Finding::unknown(&subject, "its instance type is not in the catalogue")),
    }
    if let Some(watched) = watched {
        findings.extend(pod(&subject, name, watched));
    }
    findings.extend(conditions(&subject, node, now));
    findings
}

fn taints(subject: &str, node: &Value) -> Vec<Finding> {
    let taints = node["spec"]["taints"].as_array().into_iter().flatten();
    let ours = |taint: &Value| {
        let (key, advice) = TAINTS.into_iter().find(|(key, _)| taint["key"] == *key)?;
        let value = taint["value"].as_str().filter(|value| !value.is_empty());
        let value = value.map_or(String::new(), |value| format!("={value}"));
        Some(Finding::error(subject, format_args!("has the taint {key}{value}"), advice))
    };
    taints.filter_map(ours).collect()
}

fn pod(subject: &str, name: &str, watched: &Watched) -> Option<Finding> {
    let daemonset = super::NAME;
    if !watched.all.contains(name) {
        let advice =
            "see its taints and type against the DaemonSet's affinity: kubectl -n gpunode describe daemonset";
        return Some(Finding::error(
            subject,
            format_args!("has no pod of {daemonset}: nobody looks at it"),
            advice,
        ));
    }
    (!watched.ready.contains(name)).then(|| {
        let advice = "see its log: kubectl -n gpunode logs, for the pod on this node";
        Finding::error(subject, format_args!("its pod of {daemonset} is not ready"), advice)
    })
}

fn cut(text: &str) -> String {
    let short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
