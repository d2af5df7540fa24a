//! Requests to the API server: each with a deadline, counted, and in the audit log where it changes something.

mod send;

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::ServerName;
use serde_json::Value;

use super::Access;
use super::access::AccessError;
use crate::aws::{Failure, Meaning, Recorder};
use send::Request;

/// Who owns what server-side apply sets.
const MANAGER: &str = "gpunode-installer";
/// For a connection to be made.
const CONNECT: Duration = Duration::from_secs(5);

type Http = hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The API server, as whoever the access says.
#[derive(Clone, Debug)]
pub struct Client {
    http: Http,
    access: Access,
    recorder: Recorder,
}

impl Client {
    /// Opens nothing yet.
    pub fn new(access: Access, recorder: Recorder) -> Result<Self, AccessError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(access.tls()?).https_only();
        let https = match &access.server_name {
            Some(name) => {
                let named = ServerName::try_from(name.clone()).map_err(|_| AccessError::Config {
                    what: "tls-server-name".to_owned(),
                    why: format!("{name} is no name"),
                })?;
                let resolver = FixedServerNameResolver::new(named);
                builder.with_server_name_resolver(resolver).enable_http1().wrap_connector(tcp)
            }
            None => builder.enable_http1().wrap_connector(tcp),
        };
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(https);
        Ok(Self { http, access, recorder })
    }

    /// Where it is and who we are.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// What is at `path`; `None` where nothing is.
    pub async fn get(&self, path: &str) -> Result<Option<Value>, Failure> {
        self.read(path, "application/json").await
    }

    pub(super) async fn read(&self, path: &str, accept: &'static str) -> Result<Option<Value>, Failure> {
        self.recorder.looked();
        let request = Request { method: "GET", path, body: None, accept };
        match self.send("kubernetes get", &request).await {
            Ok(value) => Ok(Some(value)),
            Err(failure) if failure.meaning == Meaning::Absent => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Asks the API server something that is answered and not kept, as a `SelfSubjectAccessReview`.
    pub async fn ask(&self, path: &str, question: &Value) -> Result<Value, Failure> {
        self.recorder.looked();
        let body = Some(("application/json", question));
        let request = Request { method: "POST", path, body, accept: "application/json" };
        self.send("kubernetes ask", &request).await
    }

    /// Server-side apply: makes `object`, or makes it what it must be. Fields that others set are taken over.
    pub async fn apply(&self, path: &str, object: &Value) -> Result<(), Failure> {
        let query = format!("{path}?fieldManager={MANAGER}&force=true&fieldValidation=Strict");
        let body = Some(("application/apply-patch+yaml", object));
        self.change("kubernetes apply", "PATCH", &query, body).await
    }

    /// Puts `object` in the place of the version of it that it names.
    pub async fn replace(&self, path: &str, object: &Value) -> Result<(), Failure> {
        let query = format!("{path}?fieldManager={MANAGER}&fieldValidation=Strict");
        self.change("kubernetes replace", "PUT", &query, Some(("application/json", object))).await
    }

    /// A JSON merge patch.
    pub async fn merge(&self, path: &str, change: &Value) -> Result<(), Failure> {
        let query = format!("{path}?fieldManager={MANAGER}");
        self.change("kubernetes patch", "PATCH", &query, Some(("application/merge-patch+json", change))).await
    }

    /// Removes what is at `path`, with what depends on it. What is not there any more is no failure.
    pub async fn delete(&self, path: &str) -> Result<(), Failure> {
        let options = serde_json::json!({ "propagationPolicy": "Background" });
        match self.change("kubernetes delete", "DELETE", path, Some(("application/json", &options))).await {
            Err(failure) if failure.meaning == Meaning::Absent => Ok(()),
            done => done,
        }
    }

    async fn change(
        &self,
        call: &'static str,
        method: &'static str,
        path: &str,
        body: Option<(&'static str, &Value)>,
    ) -> Result<(), Failure> {
        let operation = format!("{method} {}", path.split('?').next().unwrap_or(path));
        let stop = |what: String| Failure { call, meaning: Meaning::Never, what };
        self.recorder.sending("Kubernetes", &operation).map_err(stop)?;
        let result = self.send(call, &Request { method, path, body, accept: "application/json" }).await;
        let outcome = match &result {
            Ok(_) => "done".to_owned(),
            Err(failure) => failure.what.clone(),
        };
        self.recorder.answered("Kubernetes", &operation, &outcome).map_err(stop)?;
        result.map(drop)
    }
}
