//! What is done with a request by what it asks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::message::Message;
use super::{Fault, Proxy};

/// What a request asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The HTTP method.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The program that asks, as it names itself.
    pub agent: String,
}

/// Says what is done with a request.
pub(super) type Rule = dyn Fn(&Asked) -> Fault + Send + Sync;

impl Asked {
    pub(super) fn of(message: &Message) -> Self {
        let agent = message.headers.iter().find(|(name, _)| name == "user-agent");
        let agent = agent.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        let path = message.target.split('?').next().unwrap_or_default();
        Self { method: message.method.clone(), path: path.to_owned(), agent: agent.unwrap_or_default() }
    }

    /// Whether it changes something that is kept.
    pub fn mutates(&self) -> bool {
        !["GET", "HEAD"].contains(&self.method.as_str()) && !self.path.ends_with("reviews")
    }
}

impl Proxy {
    /// Does with each request what `rule` says, once it did what it was told of the next ones; until it is told otherwise.
    pub fn rule(&self, rule: impl Fn(&Asked) -> Fault + Send + Sync + 'static) {
        self.state.inner().rule = Some(Arc::new(rule));
    }

    /// Waits until every request that came and changes something is over: a client that is gone leaves some with the API
    /// server, and watches that never end.
    pub fn settle(&self) {
        // The API server gives itself 60 s for a request.
        for _ in 0..70_000 {
            if self.state.busy.load(Ordering::SeqCst) == 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_change_nothing() {
        let asked = |method: &str, path: &str| {
            let text = format!("{method} {path} HTTP/1.1\r\nUser-Agent: Helm/4\r\n\r\n");
            let mut stream = text.as_bytes();
            let message = super::super::message::read(&mut stream, &mut Vec::new()).unwrap().unwrap();
            Asked::of(&message)
        };
        let secret = asked("POST", "/api/v1/namespaces/kube-system/secrets?fieldManager=helm");
        assert_eq!(
            (secret.path.as_str(), secret.agent.as_str()),
            ("/api/v1/namespaces/kube-system/secrets", "Helm/4")
        );
        assert!(secret.mutates() && !asked("GET", "/api").mutates());
        assert!(!asked("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").mutates());
    }
}
