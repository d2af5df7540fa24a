//! What the API server's clients did, by its audit log.

use std::path::Path;

use serde_json::Value;

use super::Error;
use super::error::at;

/// Every request that was answered, in order.
#[derive(Debug, Default)]
pub struct Audit(pub Vec<Request>);

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// For example `system:serviceaccount:gpunode-system:gpunode-daemonset`.
    pub user: String,
    /// The program that made it, as it calls itself.
    pub agent: String,
    /// The node that the user's token is bound to.
    pub node: Option<String>,
    /// `get`, `patch`, …
    pub verb: String,
    /// `nodes`, `nodes/status`, `events`, …
    pub resource: String,
    /// The object's name; empty where the request names none.
    pub name: String,
    /// The HTTP status of the answer.
    pub code: u16,
    /// Bytes of the body as compact JSON; 0 where the log does not hold it.
    pub bytes: usize,
    /// When it came, in RFC 3339 with microseconds.
    pub received: String,
}

impl Audit {
    /// Reads the log; a last line that is still being written is left out.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(at(path))?;
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        Ok(Self(
            whole
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .map(|event| request(&event))
                .collect(),
        ))
    }

    /// Those of the DaemonSet's pods.
    pub fn reporters(&self) -> impl Iterator<Item = &Request> {
        self.0.iter().filter(|request| request.user.ends_with(":gpunode-system:gpunode-daemonset"))
    }

    /// Those of the DaemonSet's pods on one node.
    pub fn of_node<'a>(&'a self, node: &'a str) -> impl Iterator<Item = &'a Request> {
        self.reporters().filter(move |request| request.node.as_deref() == Some(node))
    }
}

fn request(event: &Value) -> Request {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let reference = &event["objectRef"];
    let resource = match reference["subresource"].as_str() {
        Some(sub) => format!("{}/{sub}", text(&reference["resource"])),
        None => text(&reference["resource"]),
    };
    let body = &event["requestObject"];
    Request {
        user: text(&event["user"]["username"]),
        agent: text(&event["userAgent"]),
        node: event["user"]["extra"]["authentication.kubernetes.io/node-name"][0].as_str().map(str::to_owned),
        verb: text(&event["verb"]),
        resource,
        name: text(&reference["name"]),
        code: event["responseStatus"]["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(0),
        bytes: if body.is_null() { 0 } else { body.to_string().len() },
        received: text(&event["requestReceivedTimestamp"]),
    }
}
