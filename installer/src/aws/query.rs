//! A client of a Query API, on the SDK's own runtime: the same credentials, retries, time limits and audit log as the
//! SDK's clients have.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_runtime::auth::SigningOptions;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::direct::{self, AGENT, Call};
use super::{Element, Failure, Form, Meaning, Recorder, endpoint, failed};

/// A service with such an API.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service {
    /// As the SDK calls it, and so the audit log: `AutoScaling`.
    pub(super) name: &'static str,
    /// As an endpoint of one's own is named after it: `Auto Scaling`.
    pub(super) endpoint: &'static str,
}

/// The client.
#[derive(Clone, Debug)]
pub(super) struct Query {
    service: Service,
    shared: Arc<SdkConfig>,
    recorder: Recorder,
}

/// What AWS says of a request that it does not carry out.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", .0.code().unwrap_or("no code"), .0.message().unwrap_or("no message"))]
pub(super) struct Refusal(pub(super) ErrorMetadata);

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl Query {
    pub(super) fn new(service: Service, shared: &Arc<SdkConfig>, recorder: Recorder) -> Self {
        Self { service, shared: Arc::clone(shared), recorder }
    }

    pub(super) async fn call(&self, form: Form) -> Result<Element, Failure> {
        let call = form.call;
        let operation =
            self.operation(&form).map_err(|what| Failure { call, meaning: Meaning::Never, what })?;
        operation.invoke(form).await.map_err(failed(call))
    }

    fn operation(&self, form: &Form) -> Result<Operation<Form, Element, Refusal>, String> {
        let region = self.shared.region().ok_or("no region")?.clone();
        let call = Call {
            service: self.service.name,
            operation: form.action(),
            endpoint: endpoint::url(&self.shared, self.service.endpoint, region.as_ref()),
            region,
            signed: SigningOptions::default(),
        };
        let builder = direct::operation::<Refusal>(&self.shared, &self.recorder, call)?;
        Ok(builder.serializer(|form: Form| request(&form)).deserializer(answer).build())
    }
}

fn request(form: &Form) -> Result<HttpRequest, BoxError> {
    let body = form.body();
    let request = http::Request::post("/")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("content-length", body.len())
        .header("user-agent", AGENT)
        .body(SdkBody::from(body))?;
    Ok(request.try_into()?)
}

/// What came, read: the runtime has the whole body by then.
fn answer(response: &HttpResponse) -> Result<Element, OrchestratorError<Refusal>> {
    let read = Element::read(response.body().bytes().unwrap_or_default());
    if response.status().is_success() {
        return read.map_err(|error| OrchestratorError::response(error.into()));
    }
    let mut refusal = ErrorMetadata::builder();
    // A gateway before AWS may say something that is no XML: the status tells then what it means.
    if let Ok(root) = read {
        let error = root.find("Error").cloned().unwrap_or_default();
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        if let Some(code) = some(error.text("Code")) {
            refusal = refusal.code(code);
        }
        if let Some(message) = some(error.text("Message")) {
            refusal = refusal.message(message);
        }
    }
    Err(OrchestratorError::operation(Refusal(refusal.build())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &str) -> Result<Element, OrchestratorError<Refusal>> {
        answer(&HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body)))
    }

    #[test]
    fn a_refusal_has_its_code() {
        let body = "<Response><Errors><Error><Code>InvalidGroup.NotFound</Code><Message>no</Message></Error></Errors></Response>";
        for (body, code) in [(body, Some("InvalidGroup.NotFound")), ("<html>Bad gateway", None), ("", None)] {
            let problem = told(503, body).unwrap_err();
            assert_eq!(problem.as_operation_error().unwrap().code(), code, "{body}");
        }
        assert!(told(200, "<html>").unwrap_err().as_operation_error().is_none());
        assert_eq!(told(200, "<A><b>1</b></A>").unwrap().text("b"), "1");
    }
}
