//! One request, and what its answer means.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{StatusCode, header};
use serde_json::Value;

use super::Client;
use crate::aws::{Failure, Meaning};

const AGENT: &str = concat!("gpunode-installer/", env!("CARGO_PKG_VERSION"));
/// For a request: the API server gives itself 60 s at most.
const DEADLINE: Duration = Duration::from_secs(65);
/// Bytes of an answer: a list of all storage classes or release records is far smaller.
const MOST: usize = 32 << 20;

/// What is asked.
pub(super) struct Request<'a> {
    pub(super) method: &'static str,
    pub(super) path: &'a str,
    pub(super) body: Option<(&'static str, &'a Value)>,
    pub(super) accept: &'static str,
}

impl Client {
    /// A token that is refused may have expired this moment: the request is made once more with a new one.
    pub(super) async fn send(&self, call: &'static str, request: &Request<'_>) -> Result<Value, Failure> {
        let mut answer = self.once(call, request, false).await?;
        if answer.0 == StatusCode::UNAUTHORIZED {
            answer = self.once(call, request, true).await?;
        }
        let (status, body) = answer;
        if status.is_success() {
            return Ok(body);
        }
        let said = body["message"].as_str().unwrap_or_default();
        let what = format!("{} {}: {status}: {said}", request.method, request.path);
        Err(Failure { call, meaning: meaning(status), what })
    }

    async fn once(
        &self,
        call: &'static str,
        request: &Request<'_>,
        fresh: bool,
    ) -> Result<(StatusCode, Value), Failure> {
        let never = |what: String| Failure { call, meaning: Meaning::Never, what };
        let server = &self.access.server;
        let later = |why: String| Failure { call, meaning: Meaning::Later, what: format!("{server}: {why}") };
        let token = self.access.identity.token(fresh).await.map_err(|error| never(error.to_string()))?;
        let mut http = hyper::Request::builder()
            .method(request.method)
            .uri(format!("{server}{}", request.path))
            .header(header::USER_AGENT, AGENT)
            .header(header::ACCEPT, request.accept);
        if let Some(token) = token {
            http = http.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = request.body.map_or_else(Vec::new, |(_, body)| body.to_string().into_bytes());
        if let Some((content_type, _)) = request.body {
            http = http.header(header::CONTENT_TYPE, content_type);
        }
        let http = http.body(Full::new(Bytes::from(body))).map_err(|error| never(error.to_string()))?;
        let work = async {
            let response = self.http.request(http).await.map_err(|error| later(chain(&error)))?;
            let (head, body) = response.into_parts();
            if let Some(date) = head.headers.get(header::DATE).and_then(|date| date.to_str().ok()) {
                self.recorder.clocks().told("the API server", date);
            }
            let bytes = Limited::new(body, MOST).collect().await;
            let bytes = bytes.map_err(|error| later(error.to_string()))?.to_bytes();
            Ok((head.status, serde_json::from_slice(&bytes).unwrap_or_default()))
        };
        let late = |_| later(format!("no answer within {} s", DEADLINE.as_secs()));
        tokio::time::timeout(DEADLINE, work).await.map_err(late)?
    }
}

/// Source: Kubernetes API conventions, "HTTP Status codes". A conflict is with another writer, and passes.
fn meaning(status: StatusCode) -> Meaning {
    match status.as_u16() {
        404 | 410 => Meaning::Absent,
        409 | 429 | 500.. => Meaning::Later,
        _ => Meaning::Never,
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
