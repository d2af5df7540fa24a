//! Requests of the pod on one node, and what must come of each.
#![allow(dead_code, reason = "not every test that shares this uses all of it")]
#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "what helps a test is a test")]

use gpunode_tests::kube::{Answer, Client};
use serde_json::{Value, json};

pub(crate) const MANAGER: &str = "gpunode-daemonset";
pub(crate) const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/default/events";

/// One request, and what must come of it.
pub(crate) struct Attempt {
    pub(crate) what: &'static str,
    pub(crate) answer: Answer,
    /// Part of the reason of the refusal; `None` where it must be granted.
    pub(crate) refused: Option<&'static str>,
}

pub(crate) fn judge(attempts: Vec<Attempt>) {
    let mut wrong = Vec::new();
    for Attempt { what, answer, refused } in attempts {
        let granted = (200..300).contains(&answer.status);
        let right = match refused {
            None => granted,
            Some(reason) => !granted && answer.message().contains(reason),
        };
        if !right {
            wrong.push(format!("{what}: wanted {refused:?}, got {} {}", answer.status, answer.message()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

pub(crate) fn node(change: Value) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": "Node"});
    object.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    object
}

pub(crate) fn condition(kind: &str) -> Value {
    node(json!({"status": {"conditions": [{
        "type": kind, "status": "False", "reason": "Xid79", "message": "GPU 3",
        "lastTransitionTime": "2026-11-21T00:00:00Z", "lastHeartbeatTime": "2026-11-21T00:00:00Z",
    }]}}))
}

pub(crate) fn labels(labels: Value) -> Value {
    node(json!({"metadata": {"labels": labels}}))
}

/// Requests of the pod on one node.
pub(crate) struct Pod {
    pub(crate) client: Client,
    pub(crate) node: &'static str,
}

impl Pod {
    pub(crate) fn path(&self, sub: &str) -> String {
        format!("/api/v1/nodes/{}{sub}", self.node)
    }

    pub(crate) fn apply(
        &self,
        what: &'static str,
        sub: &str,
        object: &Value,
        refused: Option<&'static str>,
    ) -> Attempt {
        let answer = self.client.apply(&self.path(sub), MANAGER, object).unwrap();
        Attempt { what, answer, refused }
    }

    pub(crate) fn patch(
        &self,
        what: &'static str,
        kind: &str,
        sub: &str,
        change: &Value,
        refused: Option<&'static str>,
    ) -> Attempt {
        let path = format!("{}?fieldManager={MANAGER}", self.path(sub));
        Attempt { what, answer: self.client.patch(&path, kind, change).unwrap(), refused }
    }

    pub(crate) fn send(
        &self,
        what: &'static str,
        method: &str,
        path: &str,
        body: Option<&Value>,
        refused: Option<&'static str>,
    ) -> Attempt {
        let body = body.map(|body| ("application/json", body));
        Attempt { what, answer: self.client.send(method, path, body).unwrap(), refused }
    }
}
