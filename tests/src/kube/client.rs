//! A client of the API server, as one user.

use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use serde_json::Value;
use ureq::http::Request;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::Error;

/// Content types of patches.
pub mod patch {
    /// Server-side apply.
    pub const APPLY: &str = "application/apply-patch+yaml";
    /// JSON merge patch.
    pub const MERGE: &str = "application/merge-patch+json";
    /// JSON patch.
    pub const JSON: &str = "application/json-patch+json";
    /// Strategic merge patch.
    pub const STRATEGIC: &str = "application/strategic-merge-patch+json";
}

/// Far beyond what any request takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client of the API server, as one user.
#[derive(Clone, Debug)]
pub struct Client {
    agent: ureq::Agent,
    url: String,
    token: String,
    /// The node that it speaks for.
    node: Option<String>,
}

/// What the API server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The object, the list, or the Status that says what was wrong.
    pub body: Value,
}

impl Answer {
    /// The body, when the request was granted.
    pub fn granted(self, what: &str) -> Result<Value, Error> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(Error::Answer { what: what.to_owned(), detail: format!("{} {}", self.status, self.body) })
    }

    /// What the API server says about a refusal.
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

impl Client {
    pub(super) fn new(url: &str, token: &str, authority: &str) -> Result<Self, Error> {
        let agent = agent(authority)?;
        Ok(Self { agent, url: url.to_owned(), token: token.to_owned(), node: None })
    }

    /// The same as the user of a node, as its kubelet is one; for who may take another's place.
    #[must_use]
    pub fn as_node(&self, name: &str) -> Self {
        Self { node: Some(name.to_owned()), ..self.clone() }
    }

    /// Reads an object or a list.
    pub fn get(&self, path: &str) -> Result<Answer, Error> {
        self.send("GET", path, None)
    }

    /// Creates an object in the collection `path`.
    pub fn create(&self, path: &str, object: &Value) -> Result<Answer, Error> {
        self.send("POST", path, Some(("application/json", object)))
    }

    /// Replaces an object.
    pub fn replace(&self, path: &str, object: &Value) -> Result<Answer, Error> {
        self.send("PUT", path, Some(("application/json", object)))
    }

    /// Patches an object with one of the content types in [`patch`].
    pub fn patch(&self, path: &str, content_type: &str, change: &Value) -> Result<Answer, Error> {
        self.send("PATCH", path, Some((content_type, change)))
    }

    /// Server-side apply as `manager`, taking fields over from others.
    pub fn apply(&self, path: &str, manager: &str, object: &Value) -> Result<Answer, Error> {
        let path = format!("{path}?fieldManager={manager}&force=true&fieldValidation=Strict");
        self.patch(&path, patch::APPLY, object)
    }

    /// Deletes an object at once.
    pub fn delete(&self, path: &str) -> Result<Answer, Error> {
        let now = serde_json::json!({"gracePeriodSeconds": 0});
        self.send("DELETE", path, Some(("application/json", &now)))
    }

    /// Any request.
    pub fn send(&self, method: &str, path: &str, body: Option<(&str, &Value)>) -> Result<Answer, Error> {
        let failed =
            |source| Error::Request { method: method.into(), path: path.into(), source: Box::new(source) };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("Authorization", format!("Bearer {}", self.token));
        if let Some(node) = &self.node {
            let user = format!("system:node:{node}");
            request = request.header("Impersonate-User", user).header("Impersonate-Group", "system:nodes");
        }
        let response = match body {
            None => request.body(()).map_err(ureq::Error::from).and_then(|request| self.agent.run(request)),
            Some((content_type, body)) => request
                .header("Content-Type", content_type)
                .body(body.to_string())
                .map_err(ureq::Error::from)
                .and_then(|request| {
                    // DELETE has a body here, which most APIs do not have.
                    let config = self.agent.configure_request(request).allow_non_standard_methods(true);
                    self.agent.run(config.build())
                }),
        };
        let mut response = response.map_err(failed)?;
        let text = response.body_mut().with_config().limit(64 << 20).read_to_string().map_err(failed)?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status: response.status().as_u16(), body })
    }

    /// Watches a collection from now on, and gives the changes as they come.
    pub fn watch(&self, path: &str) -> Result<Watch, Error> {
        let list = self.get(path)?.granted(path)?;
        let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        let join = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{join}watch=true&resourceVersion={version}");
        let failed =
            |source| Error::Request { method: "GET".into(), path: path.clone(), source: Box::new(source) };
        let request = ureq::http::Request::builder()
            .uri(format!("{}{path}", self.url))
            .header("Authorization", format!("Bearer {}", self.token))
            .body(())
            .map_err(|error| failed(error.into()))?;
        let response = self.agent.run(request).map_err(failed)?;
        Ok(Watch(Box::new(BufReader::new(response.into_body().into_reader()))))
    }
}

/// HTTP for whoever trusts `authority`; every status is an answer.
pub(super) fn agent(authority: &str) -> Result<ureq::Agent, Error> {
    let root = Certificate::from_pem(authority.as_bytes())
        .map_err(|error| Error::Certificates(error.to_string()))?;
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[root])).build();
    let config = ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .proxy(None)
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .build();
    Ok(config.into())
}

/// Changes of a collection, one after the other; ends when the API server ends the watch.
pub struct Watch(Box<dyn std::io::BufRead + Send>);

impl Iterator for Watch {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(read) if read > 0 => serde_json::from_str(&line).ok(),
            _ => None,
        }
    }
}
