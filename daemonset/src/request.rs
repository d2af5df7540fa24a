//! From a call to the request that carries it, and from the answer to what came of it.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::{Value, json};

use crate::event::{self, From};
use crate::event_book::EventWrite;
use crate::names::{EVENTS_NAMESPACE, MANAGER, TAINT, TAINT_EFFECT};
use crate::publisher::{Call, Failure, Found, Lane, OfEvent, Outcome};

/// One request to the API server.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// HTTP's.
    pub method: &'static str,
    /// With its query.
    pub path: String,
    /// Of the body.
    pub content_type: &'static str,
    /// What is asked for; `Null` where there is no body.
    pub body: Value,
    /// What of the answer is needed.
    pub answer: Answer,
}

/// What of an answer is needed: a node as a whole is three times its metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All of the object.
    Object,
    /// Its metadata.
    Metadata,
    /// The metadata of each object of a list; an API server refuses to answer with a list where one object was asked
    /// for, and the other way round.
    List,
}

/// An answer of the API server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// HTTP's status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<Duration>,
    /// The body; `Null` where it is no JSON.
    pub body: Value,
}

/// Nodes in one answer: the metadata of each are some 10 KiB.
const PAGE: u32 = 50;
const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const JSON: &str = "application/json";

/// All our conditions, by server-side apply. Fields of ours that others have changed are taken back by force; nobody
/// else's are named.
pub fn status(node: &str, conditions: &[Value]) -> Request {
    let metadata = json!({"name": node});
    let body = json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"conditions": conditions}});
    apply(node, "/status", body)
}

/// All our labels, by server-side apply: one that is left out is taken away. With the UID, the node is not made when it
/// is gone, nor are the labels put on another node of the same name.
pub fn labels(node: &str, labels: &Value, uid: Option<&str>) -> Request {
    let mut metadata = json!({"name": node, "labels": labels});
    if let Some(uid) = uid {
        metadata["uid"] = uid.into();
    }
    apply(node, "", json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata}))
}

fn apply(node: &str, subresource: &str, body: Value) -> Request {
    Request {
        method: "PATCH",
        path: format!("/api/v1/nodes/{node}{subresource}?fieldManager={MANAGER}&force=true"),
        content_type: APPLY,
        body,
        answer: Answer::Metadata,
    }
}

/// The node, for its taints: the only read.
pub fn get_node(node: &str) -> Request {
    Request {
        method: "GET",
        path: format!("/api/v1/nodes/{node}"),
        content_type: JSON,
        body: Value::Null,
        answer: Answer::Object,
    }
}

/// What makes the taint of `there`, the node as it was read, be `value`; `None` where it is so already. The list of
/// taints is one value to server-side apply, so an apply would take everybody else's away: it is replaced as a whole,
/// and only if it is still the one that was read.
pub fn taint(node: &str, there: &Value, value: Option<&str>) -> Option<Request> {
    let before = &there["spec"]["taints"];
    let list = before.as_array().cloned().unwrap_or_default();
    let is_ours = |taint: &Value| taint["key"] == TAINT && taint["effect"] == TAINT_EFFECT;
    let ours: Vec<_> = list.iter().filter(|taint| is_ours(taint)).collect();
    let is_so = match value {
        Some(value) => ours.len() == 1 && ours[0]["value"] == value,
        None => ours.is_empty(),
    };
    if is_so {
        return None;
    }
    let mut after: Vec<_> = list.iter().filter(|taint| !is_ours(taint)).cloned().collect();
    after.extend(value.map(|value| json!({"key": TAINT, "value": value, "effect": TAINT_EFFECT})));
    let body = json!([
        {"op": "test", "path": "/spec/taints", "value": before},
        {"op": "add", "path": "/spec/taints", "value": after},
    ]);
    Some(Request {
        method: "PATCH",
        path: format!("/api/v1/nodes/{node}?fieldManager={MANAGER}"),
        content_type: JSON_PATCH,
        body,
        answer: Answer::Metadata,
    })
}

/// A new event, or the series of one that is there.
pub fn event(write: &EventWrite, from: &From<'_>) -> Request {
    let folder = format!("/apis/events.k8s.io/v1/namespaces/{EVENTS_NAMESPACE}/events");
    let manager = format!("fieldManager={MANAGER}");
    let (method, path, content_type, body) = if write.exists {
        let body = event::series(write.count, write.last_unix_ms);
        ("PATCH", format!("{folder}/{}?{manager}", write.name), MERGE, body)
    } else {
        let body = event::create(&write.told, &write.name, write.first_unix_ms, from);
        ("POST", format!("{folder}?{manager}"), JSON, body)
    };
    Request { method, path, content_type, body, answer: Answer::Metadata }
}

/// Some nodes, and after them the rest: for who takes everything of ours off a cluster. `after` is what the answer
/// before said (`metadata.continue`).
pub fn list_nodes(after: Option<&str>) -> Request {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    let escape = |c: char| if is_plain(c) { c.to_string() } else { format!("%{:02X}", u32::from(c) & 0xff) };
    let rest: String = after.unwrap_or_default().chars().map(escape).collect();
    let rest = if rest.is_empty() { rest } else { format!("&continue={rest}") };
    Request {
        method: "GET",
        path: format!("/api/v1/nodes?limit={PAGE}{rest}"),
        content_type: JSON,
        body: Value::Null,
        answer: Answer::List,
    }
}

/// Whether this program has written to the node of these metadata.
pub fn is_ours(node: &Value) -> bool {
    let managers = node["metadata"]["managedFields"].as_array().into_iter().flatten();
    managers.into_iter().any(|entry| entry["manager"] == MANAGER)
}

/// All events that this program has told about the node.
pub fn delete_events(node: &str) -> Request {
    let controller = crate::names::CONTROLLER.replace('/', "%2F");
    Request {
        method: "DELETE",
        path: format!(
            "/apis/events.k8s.io/v1/namespaces/{EVENTS_NAMESPACE}/events\
             ?fieldSelector=reportingController%3D{controller},regarding.name%3D{node}"
        ),
        content_type: JSON,
        body: Value::Null,
        answer: Answer::List,
    }
}

/// What an answer to a call means.
pub fn outcome(call: &Call, response: &Response) -> Outcome {
    let failure = match (call.lane(), response.status) {
        (_, 200..=299) => {
            return Outcome::Done(found(call.lane(), &response.body["metadata"]));
        }
        (_, 403) => Failure::Forbidden,
        (Lane::Events, 404) if is_series(call) => Failure::Event(OfEvent::Absent),
        (Lane::Events, 409) if !is_series(call) => Failure::Event(OfEvent::Exists),
        // The namespace is not there yet: a cluster that is just being made.
        (Lane::Events, 404) | (_, 409) if call.lane() != Lane::Labels => Failure::Again,
        // The UID is not that of the node.
        (_, 404 | 409) => Failure::NoNode,
        // Somebody changed the taints since they were read.
        (Lane::Taint, 422) => Failure::Again,
        (_, 401 | 408 | 429 | 500..) => Failure::Away { asked: response.retry_after },
        _ => Failure::Refused,
    };
    Outcome::Failed(failure)
}

fn found(lane: Lane, metadata: &Value) -> Found {
    // The metadata of an event is not the node's.
    if lane == Lane::Events {
        return Found::default();
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let labels = metadata["labels"].as_object();
    Found {
        uid: text(&metadata["uid"]),
        labels: labels
            .map(|all| all.iter().filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect()),
    }
}

fn is_series(call: &Call) -> bool {
    matches!(call, Call::Event(write) if write.exists)
}
