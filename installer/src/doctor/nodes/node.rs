//! One GPU node.

use std::time::{Duration, SystemTime};

use gpunode_host::catalog::{self, InstanceType};
use serde_json::Value;

use super::Watched;
use crate::doctor::{Finding, condition};
use crate::layout;
use crate::settings::Settings;

/// The node conditions that the DaemonSet writes, and what to do where one is false. Source:
/// `manifests/chart/templates/_helpers.tpl`.
pub(super) const CONDITIONS: [(&str, &str); 4] = [
    (
        "GPUHealthy",
        "move its pods (kubectl drain) and do what the message says; gpunode-agent check on the node says more",
    ),
    (
        "EFAHealthy",
        "replace the node: an EFA interface that is missing or broken cannot be attached while it runs",
    ),
    ("NodeStorageHealthy", "move its pods (kubectl drain), and replace the node"),
    (
        "NodeBootstrapped",
        "see journalctl -u gpunode-agent on the node; gpunode-agent bootstrap runs it again",
    ),
];
/// A condition's heartbeat that is older than two of the DaemonSet's, which come every five minutes, and a minute.
const STALE: Duration = Duration::from_secs(11 * 60);
/// Of the agent, on a node whose boot failed; of the DaemonSet, on a sick one.
const TAINTS: [(&str, &str); 2] = [
    (
        "gpunode.io/not-ready",
        "the agent could not bring the node up: see NodeBootstrapped, and journalctl -u gpunode-agent on the node",
    ),
    ("gpunode.io/unhealthy", "see the condition that it names; it goes with it"),
];
const GPU: &str = "nvidia.com/gpu";
const EFA: &str = "vpc.amazonaws.com/efa";
/// Letters of a message that are shown.
const MOST: usize = 300;

/// The instance type of a node, where the catalogue knows it.
pub(super) fn kind(node: &Value) -> Option<InstanceType> {
    catalog::find(node["metadata"]["labels"]["node.kubernetes.io/instance-type"].as_str()?)
}

/// Everything that is wrong with `node`; nothing where it is well.
pub(super) fn judge(
    settings: &Settings,
    node: &Value,
    watched: Option<&Watched>,
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
        Some(kind) => findings.extend(offers(settings, &subject, node, &kind)),
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

/// What it offers to pods against what its type has.
fn offers(settings: &Settings, subject: &str, node: &Value, kind: &InstanceType) -> Vec<Finding> {
    let allocatable = &node["status"]["allocatable"];
    let count =
        |name: &str| allocatable[name].as_str().and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
    // With partitions of several sizes nothing is left under the plain name.
    let parts =
        allocatable.as_object().is_some_and(|all| all.keys().any(|name| name.starts_with("nvidia.com/mig-")));
    let mut findings = Vec::new();
    let mut fewer = |name: &str, wanted: u32, advice: &str| {
        let found = count(name);
        if found < wanted {
            let what = format!("offers {found} of {wanted} {name} ({})", kind.name);
            findings.push(Finding::error(subject, what, advice));
        } else if found > wanted {
            let what = format!("offers {found} {name}, and a {} has {wanted}", kind.name);
            let advice = "a device plugin that shares devices (time slicing, MPS) offers more; else see which plugin does";
            findings.push(Finding::warning(subject, what, advice));
        }
    };
    if !parts {
        fewer(
            GPU,
            kind.gpu_count(),
            "see the node's pod of nvidia-device-plugin in kube-system, and GPUHealthy; gpunode-agent check on the node says \
             which are missing",
        );
    }
    if let Some(wanted) = interfaces(settings, node, kind) {
        fewer(
            EFA,
            wanted,
            "see the node's pod of aws-efa-k8s-device-plugin in kube-system, and EFAHealthy; an interface that was not \
             attached at launch cannot be added: replace the node",
        );
    }
    findings
}

/// How many EFA interfaces the node must have, where that is known: on UltraServers the template says it, and Karpenter
/// without a list of interfaces attaches them for pods that ask for EFA only.
fn interfaces(settings: &Settings, node: &Value, kind: &InstanceType) -> Option<u32> {
    let by_karpenter = node["metadata"]["labels"]["karpenter.sh/nodepool"].is_string();
    if kind.efa_varies || (by_karpenter && !settings.karpenter_says_interfaces()) {
        return None;
    }
    let wanted = settings.gpu_num_enis.filter(|_| kind.name == settings.gpu_instance_type);
    let interfaces = layout::interfaces(kind, settings.gpu_efa_layout, wanted).ok()?;
    u32::try_from(interfaces.iter().filter(|interface| interface.is_efa()).count()).ok()
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

fn conditions(subject: &str, node: &Value, now: SystemTime) -> Vec<Finding> {
    let found: Vec<_> =
        CONDITIONS.iter().filter_map(|(kind, advice)| Some((kind, advice, condition(node, kind)?))).collect();
    if found.is_empty() {
        return vec![Finding::unknown(
            subject,
            "it has none of our conditions: nobody has reported of it yet",
        )];
    }
    let mut findings = Vec::new();
    for (kind, advice, condition) in &found {
        let text = |name: &str| condition[name].as_str().unwrap_or_default();
        let said = cut(&format!("{}: {}", text("reason"), text("message")));
        match text("status") {
            "True" => {}
            "False" => {
                findings.push(Finding::error(subject, format_args!("{kind} is False: {said}"), advice));
            }
            _ => findings.push(Finding::unknown(subject, format_args!("{kind} is Unknown: {said}"))),
        }
    }
    let told = found.iter().filter_map(|(.., condition)| condition["lastHeartbeatTime"].as_str());
    let told = told.filter_map(|time| humantime::parse_rfc3339_weak(time).ok()).max();
    match told.map(|told| now.duration_since(told).unwrap_or_default()) {
        Some(age) if age <= STALE => {}
        Some(age) => {
            let minutes = age.as_secs() / 60;
            let why = format!("its conditions are {minutes} minutes old, and one comes every 5");
            findings.push(Finding::unknown(subject, why));
        }
        None => findings.push(Finding::unknown(subject, "its conditions do not say when they were written")),
    }
    findings
}

fn cut(text: &str) -> String {
    let short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
