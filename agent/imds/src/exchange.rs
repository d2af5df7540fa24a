//! One request and its answer: bounded in time and in size.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Response, StatusCode};

use crate::{Failure, Settings};

/// An answer that came whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Read for status 200 only; `None` when it is longer than allowed.
    pub(crate) body: Option<Vec<u8>>,
}

/// Makes the HTTP client: no proxy, no redirects, since IMDS is one hop away and must not be spoken for.
pub(crate) fn http_client(settings: &Settings) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(settings.connect_timeout)
        .user_agent(concat!("gpunode-agent/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Sends `request` and reads the answer, at most `limit` bytes of it, within `time`.
pub(crate) async fn exchange(
    request: RequestBuilder,
    limit: usize,
    time: Duration,
    settings: &Settings,
) -> Result<Answer, Failure> {
    let failed = |error: reqwest::Error| {
        let error = error.without_url();
        if error.is_connect() {
            Failure::Connect(error)
        } else if !error.is_timeout() {
            Failure::Broken(error)
        } else if time > settings.connect_timeout {
            // The connect time-out would have struck first.
            Failure::Silent(time)
        } else {
            Failure::Timeout(time)
        }
    };
    let mut response = request.timeout(time).send().await.map_err(failed)?;
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let body = match status {
        StatusCode::OK => read_body(response, limit).await.map_err(failed)?,
        _ => Some(Vec::new()),
    };
    Ok(Answer { status, headers, body })
}

async fn read_body(mut response: Response, limit: usize) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}
