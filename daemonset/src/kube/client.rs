//! Requests to the API server, one at a time, over one connection that is opened when it is needed.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header;
use serde_json::Value;
use std::time::Duration;

use super::connection::Connection;
use super::{Config, Error, Identity};
use crate::request::{Answer, Request, Response};

const AGENT: &str = concat!("gpunode-daemonset/", env!("CARGO_PKG_VERSION"));

/// Requests to the API server. What it answers, whatever that is, is a [`Response`].
#[derive(Debug)]
pub struct Client {
    config: Config,
    connection: Option<Connection>,
}

impl Client {
    /// Opens nothing yet.
    pub fn new(config: Config) -> Self {
        Self { config, connection: None }
    }

    /// Sends a request. A connection that was idle may have been closed meanwhile by either side or by what is between,
    /// so where it breaks the request is sent once more over a new one: every request of ours may be sent twice.
    pub async fn send(&mut self, request: &Request) -> Result<Response, Error> {
        let deadline = self.config.deadline;
        let sent = tokio::time::timeout(deadline, self.send_twice(request)).await;
        let result =
            sent.unwrap_or_else(|_| Err(Error::Late { server: self.config.server(), after: deadline }));
        if result.as_ref().map_or(true, |response| response.status == 401) {
            self.connection = None;
        }
        result
    }

    async fn send_twice(&mut self, request: &Request) -> Result<Response, Error> {
        let http = self.http(request)?;
        if let Some(mut known) = self.connection.take().filter(|known| !known.is_closed())
            && let Ok(response) = known.exchange(http.clone()).await
        {
            self.connection = Some(known);
            return Ok(read(&response));
        }
        let mut fresh = Connection::open(&self.config).await?;
        let response = fresh.exchange(http).await?;
        self.connection = Some(fresh);
        Ok(read(&response))
    }

    fn http(&self, request: &Request) -> Result<hyper::Request<Full<Bytes>>, Error> {
        let mut http = hyper::Request::builder()
            .method(request.method)
            .uri(&request.path)
            .header(header::HOST, self.config.server())
            .header(header::USER_AGENT, AGENT)
            .header(header::ACCEPT, accept(request.answer));
        if let Identity::Token(token) = &self.config.identity {
            let token = token.read()?;
            let value = [b"Bearer ", token.trim_ascii()].concat();
            http = http.header(header::AUTHORIZATION, value);
        }
        let body = if request.body.is_null() {
            Vec::new()
        } else {
            http = http.header(header::CONTENT_TYPE, request.content_type);
            request.body.to_string().into_bytes()
        };
        http.body(Full::new(Bytes::from(body)))
            .map_err(|error| Error::Config { what: request.path.clone(), why: error.to_string() })
    }
}

/// A server that does not know these forms answers with the whole.
fn accept(answer: Answer) -> &'static str {
    match answer {
        Answer::Object => "application/json",
        Answer::Metadata => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
        Answer::List => "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
    }
}

fn read(response: &hyper::Response<Bytes>) -> Response {
    let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    Response {
        status: response.status().as_u16(),
        retry_after: retry_after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs),
        body: serde_json::from_slice(response.body()).unwrap_or(Value::Null),
    }
}
