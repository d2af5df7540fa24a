//! What a pod's status says.

use std::time::Duration;

use serde_json::Value;

use super::{Probe, Way};
use crate::doctor::Finding;

/// Letters of a message that are shown.
const MOST: usize = 300;
/// Pods that ended by these reasons were ended by others. Source: Kubernetes, "Pod Lifecycle" and "Disruptions".
const BY_OTHERS: [&str; 6] = ["Evicted", "NodeLost", "NodeShutdown", "Preempting", "Shutdown", "Terminated"];
/// The kubelet has the image and cannot make the container: the devices of the pod are put into it there.
const NOT_MADE: [&str; 3] = ["CreateContainerError", "RunContainerError", "StartError"];

/// Where a pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not started; why, where that is said.
    Waiting(String),
    /// The kubelet cannot start it, though it has all that it needs.
    NotMade(String),
    /// It runs.
    Running,
    /// It found what it looked for, and says so.
    Found(String),
    /// It looked and did not find it.
    Missed(String),
    /// Somebody ended or removed it, or it ran out of time before it began.
    Ended(String),
}

/// Where `pod` is, by what its node and the scheduler say.
pub fn state(pod: &Value) -> State {
    let status = &pod["status"];
    let container = &status["containerStatuses"][0]["state"];
    let said = |value: &Value| {
        let text = |name: &str| value[name].as_str().unwrap_or_default().trim();
        shown([text("reason"), text("message")])
    };
    let ended = &container["terminated"];
    match status["phase"].as_str() {
        Some("Succeeded") => State::Found(shown([ended["message"].as_str().unwrap_or_default().trim(), ""])),
        Some("Failed") => {
            let reason = status["reason"].as_str().unwrap_or_default();
            let began = !ended["startedAt"].is_null() || !ended["exitCode"].is_null();
            if pod["metadata"]["deletionTimestamp"].is_string() || BY_OTHERS.contains(&reason) {
                return State::Ended(said(status));
            }
            if NOT_MADE.iter().any(|name| ended["reason"] == *name) {
                return State::NotMade(said(ended));
            }
            match (reason, began) {
                ("DeadlineExceeded", false) => State::Ended(said(status)),
                // The kubelet did not let it in, for example UnexpectedAdmissionError of a device plugin.
                (_, false) => State::NotMade(said(status)),
                ("DeadlineExceeded", true) => State::Missed(format!("it did not end: {}", said(status))),
                (_, true) => State::Missed(format!("exit code {}: {}", ended["exitCode"], said(ended))),
            }
        }
        Some("Running") => State::Running,
        _ => {
            let waiting = &container["waiting"];
            if NOT_MADE.iter().any(|name| waiting["reason"] == *name) {
                return State::NotMade(said(waiting));
            }
            if waiting.is_object() {
                return State::Waiting(said(waiting));
            }
            let conditions = status["conditions"].as_array().into_iter().flatten();
            let scheduled = conditions.clone().find(|found| found["type"] == "PodScheduled");
            State::Waiting(match scheduled {
                Some(scheduled) if scheduled["status"] != "True" => said(scheduled),
                Some(_) => "its node has not said anything of it".to_owned(),
                None => "no scheduler has looked at it".to_owned(),
            })
        }
    }
}

/// What is to be told of `probe`, whose pod was last seen so. `late`: the time was up.
pub fn finding(probe: &Probe, state: &State, late: Option<Duration>) -> Finding {
    let Probe { node, hardware, count, way, .. } = probe;
    let (subject, tool, resource) = (format!("pod on {node}"), hardware.tool(), way.name(*hardware));
    let asked = format!("{tool} with {count} {resource}");
    let within = late.map_or(String::new(), |late| format!(" within {} s", late.as_secs()));
    let who = match way {
        Way::Limits => "device plugin".to_owned(),
        Way::Claim => format!("DRA driver ({})", hardware.chart()),
    };
    let advice = format!(
        "gpunode-agent check on the node says what the machine itself sees; see the {who}'s pod on it, and whether the \
         container runtime gives pods its devices"
    );
    let advice = advice.as_str();
    match state {
        State::Found(said) => Finding::ok(subject, format_args!("{asked}: {said}")),
        State::Missed(said) => Finding::error(subject, format_args!("{asked} failed: {said}"), advice),
        State::NotMade(said) => {
            Finding::error(subject, format_args!("{asked}: its container could not be made: {said}"), advice)
        }
        State::Running => Finding::error(subject, format_args!("{asked} did not end{within}"), advice),
        State::Waiting(why) => {
            Finding::unknown(subject, format_args!("{asked} did not start{within}: {why}"))
        }
        State::Ended(why) => Finding::unknown(subject, format_args!("{asked} was ended: {why}")),
    }
}

/// In one line, not longer than somebody reads, and without what a terminal would obey.
fn shown(parts: [&str; 2]) -> String {
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let text = parts.join(": ");
    let line: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let line = line.join("; ");
    let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
    let short: String = line.chars().take(MOST).collect();
    match (short.is_empty(), short.len() < line.len()) {
        (true, _) => "nothing more is said".to_owned(),
        (_, true) => format!("{short}…"),
        (_, false) => short,
    }
}
