//! Prometheus alerts: one for each kind of finding that asks for something, and some about the reporters themselves.

use std::fmt::Write as _;

use gpunode_host::Severity;
use gpunode_host::health::rules;

use super::metrics::{API_FAILURES, CONDITION, EVENTS_LOST, FINDING};

/// An alert that no rule of health stands behind.
pub(super) struct Own {
    pub(super) name: &'static str,
    pub(super) expression: String,
    pub(super) wait: &'static str,
    pub(super) severity: &'static str,
    pub(super) about: &'static str,
    pub(super) action: &'static str,
}

/// Alerts about conditions and about the reporters.
pub(super) fn own() -> [Own; 6] {
    [
        Own {
            name: "GpunodeReporterDown",
            expression: "up{job=~\".*gpunode-daemonset\"} == 0".to_owned(),
            wait: "5m",
            severity: "critical",
            about: "A node's reporter does not answer, so nothing is known about its GPUs and EFA.",
            action: "Look at the pod: `kubectl get pods -A -l app.kubernetes.io/name=gpunode-daemonset -o wide`, then its log.",
        },
        Own {
            name: "GpunodeConditionFalse",
            expression: format!("{CONDITION} == 0"),
            wait: "0s",
            severity: "critical",
            about: "A node condition of gpunode is false: the node should take no GPU work.",
            action: "Read the condition: `kubectl describe node`; its reason is the code of the worst finding.",
        },
        Own {
            name: "GpunodeConditionUnknown",
            expression: format!("{CONDITION} == -1"),
            wait: "15m",
            severity: "warning",
            about: "A node condition of gpunode is unknown: its source does not speak.",
            action: "Read the condition's message: it names the source. A driver that hangs shows up so.",
        },
        Own {
            name: "GpunodeManyNodesUnhealthy",
            expression: format!(
                "count(count by (node) ({CONDITION} == 0)) / count(count by (node) ({CONDITION})) > 0.2"
            ),
            wait: "5m",
            severity: "critical",
            about: "More than a fifth of the nodes are unhealthy at once; repair by replacement stops at this share.",
            action: "Look for what they share: image, driver version, network, availability zone, a recent change.",
        },
        Own {
            name: "GpunodeCannotReport",
            expression: format!("increase({API_FAILURES}[15m]) > 5"),
            wait: "15m",
            severity: "warning",
            about: "A reporter's writes to the API server fail again and again, so its conditions may be old.",
            action: "Read the pod's log: it has the API server's answer. A 403 is the role or the admission policy.",
        },
        Own {
            name: "GpunodeEventsLost",
            expression: format!("increase({EVENTS_LOST}[15m]) > 0"),
            wait: "0s",
            severity: "warning",
            about: "A reporter has dropped events that nobody was told.",
            action: "Look why the API server was away; what is wrong now is in the conditions all the same.",
        },
    ]
}

/// What an alert of this severity is called; `None` where nobody is woken or told.
pub(super) fn word(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Info => None,
        Severity::Warning => Some("warning"),
        Severity::Error => Some("critical"),
    }
}

/// The name of the alert for a finding's code.
pub(super) fn name(code: &str) -> String {
    format!("Gpunode{code}")
}

/// The groups of a Prometheus rule file, which are the `spec` of a PrometheusRule, too.
pub fn alerts() -> String {
    let mut text = "groups:\n- name: gpunode\n  rules:\n".to_owned();
    for one in own() {
        let description = format!("{{{{ $labels.node }}}}: {}", one.action);
        rule(&mut text, one.name, &one.expression, Some(one.wait), [one.severity, one.about, &description]);
    }
    text.push_str("- name: gpunode-findings\n  rules:\n");
    for one in rules::all() {
        let Some(severity) = word(one.severity) else { continue };
        let expression = format!("{FINDING}{{code=\"{}\"}} == 1", one.code);
        let description = format!(
            "{{{{ $labels.node }}}}, GPU {{{{ $labels.gpu }}}} {{{{ $labels.device }}}} {{{{ $labels.pci_bus_id }}}}: {}",
            one.action
        );
        // No `for`: a rule of health has waited already where waiting tells more.
        rule(&mut text, &name(one.code), &expression, None, [severity, one.about, &description]);
    }
    text
}

fn rule(text: &mut String, name: &str, expression: &str, wait: Option<&str>, words: [&str; 3]) {
    let [severity, about, description] = words;
    // Where the repository is kept is not ours to know.
    let runbook = format!("manifests/ALERTS.md#{}", name.to_ascii_lowercase());
    // A JSON string is a YAML string. Writing to a String cannot fail.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let _ = writeln!(text, "  - alert: {name}\n    expr: {}", quoted(expression));
    if let Some(wait) = wait {
        let _ = writeln!(text, "    for: {wait}");
    }
    let _ = writeln!(text, "    labels:\n      severity: {severity}\n    annotations:");
    for (key, value) in [("summary", about), ("description", description), ("runbook", &runbook)] {
        let _ = writeln!(text, "      {key}: {}", quoted(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_that_asks_for_something_has_one_alert() {
        let text = alerts();
        for rule in rules::all() {
            let line = format!("  - alert: {}\n", name(rule.code));
            let expected = usize::from(rule.severity != Severity::Info);
            assert_eq!(text.matches(&line).count(), expected, "{}", rule.code);
        }
    }
}
