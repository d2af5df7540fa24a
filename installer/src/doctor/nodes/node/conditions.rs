//! What the DaemonSet says of the node.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::cut;
use crate::doctor::{Finding, condition};

/// The node conditions that the DaemonSet writes, and what to do where one is false. Source:
/// `manifests/chart/templates/_helpers.tpl`.
pub(in crate::doctor::nodes) const CONDITIONS: [(&str, &str); 4] = [
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

pub(super) fn conditions(subject: &str, node: &Value, now: SystemTime) -> Vec<Finding> {
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
