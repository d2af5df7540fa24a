//! Two calls of Service Quotas: what a quota is. They are made as those of EC2 are, without the SDK's client.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_runtime::auth::SigningOptions;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use serde_json::{Value, json};

use super::direct::{self, AGENT, Call};
use super::query::Refusal;
use super::{Failure, Meaning, Recorder, endpoint, failed};

/// Before the operation's name in `x-amz-target`. Source: botocore's model of Service Quotas (protocol `json`, 1.1).
const TARGET: &str = "ServiceQuotasV20190624";
/// What the account has, and what it has where nothing was ever applied to it.
const CALLS: [&str; 2] = ["servicequotas:GetServiceQuota", "servicequotas:GetAWSDefaultServiceQuota"];

/// The client.
#[derive(Clone, Debug)]
pub struct Quotas {
    shared: Arc<SdkConfig>,
    recorder: Recorder,
}

impl Quotas {
    pub(super) fn new(shared: &Arc<SdkConfig>, recorder: Recorder) -> Self {
        Self { shared: Arc::clone(shared), recorder }
    }

    /// The value of EC2's quota `code`, for example `L-417A185B`, in the unit of that quota. For some quotas Service Quotas
    /// has no applied value and says that there is no such thing: the default holds then (API reference, `GetServiceQuota`).
    pub async fn of_ec2(&self, code: &str) -> Result<f64, Failure> {
        let [applied, default] = CALLS;
        match self.call(applied, code).await {
            Err(failure) if failure.meaning == Meaning::Absent => {
                let found = self.call(default, code).await;
                // Whoever asks again is told the same.
                found.map_err(|failure| match failure.meaning {
                    Meaning::Absent => Failure { meaning: Meaning::Never, ..failure },
                    Meaning::Later | Meaning::Never => failure,
                })
            }
            answered => answered,
        }
    }

    async fn call(&self, call: &'static str, code: &str) -> Result<f64, Failure> {
        let never = |what| Failure { call, meaning: Meaning::Never, what };
        let name = call.split_once(':').map_or(call, |(_, name)| name);
        let operation = self.operation(name).map_err(never)?;
        let answer = operation.invoke((name, code.to_owned())).await.map_err(failed(call))?;
        let value = answer["Quota"]["Value"].as_f64();
        value.ok_or_else(|| never(format!("no value for {code} in the answer")))
    }

    fn operation(&self, name: &'static str) -> Result<Operation<Question, Value, Refusal>, String> {
        let region = self.shared.region().ok_or("no region")?.clone();
        let call = Call {
            service: "ServiceQuotas",
            operation: name,
            endpoint: endpoint::url(&self.shared, "Service Quotas", region.as_ref()),
            region,
            signed: SigningOptions::default(),
        };
        let builder = direct::operation::<Refusal>(&self.shared, &self.recorder, call)?;
        Ok(builder.serializer(|question: Question| request(&question)).deserializer(answer).build())
    }
}

/// An operation's name and the quota's code.
type Question = (&'static str, String);

fn request((name, code): &Question) -> Result<HttpRequest, BoxError> {
    let body = json!({ "ServiceCode": "ec2", "QuotaCode": code }).to_string();
    let request = http::Request::post("/")
        .header("content-type", "application/x-amz-json-1.1")
        .header("content-length", body.len())
        .header("x-amz-target", format!("{TARGET}.{name}"))
        .header("user-agent", AGENT)
        .body(SdkBody::from(body))?;
    Ok(request.try_into()?)
}

fn answer(response: &HttpResponse) -> Result<Value, OrchestratorError<Refusal>> {
    let read: Result<Value, _> = serde_json::from_slice(response.body().bytes().unwrap_or_default());
    if response.status().is_success() {
        return read.map_err(|error| OrchestratorError::response(error.into()));
    }
    let body = read.unwrap_or_default();
    let mut refusal = ErrorMetadata::builder();
    let named = response.headers().get("x-amzn-errortype").or_else(|| body["__type"].as_str());
    // `com.amazonaws.servicequotas#AccessDeniedException:http://…`
    let code = named.and_then(|named| named.split(':').next()?.rsplit('#').next());
    if let Some(code) = code.filter(|code| !code.is_empty()) {
        refusal = refusal.code(code);
    }
    // AWS spells it both ways.
    if let Some(message) = body["message"].as_str().or_else(|| body["Message"].as_str()) {
        refusal = refusal.message(message);
    }
    Err(OrchestratorError::operation(Refusal(refusal.build())))
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;

    use super::*;

    fn told(status: u16, body: &str) -> Result<Value, OrchestratorError<Refusal>> {
        answer(&HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body)))
    }

    #[test]
    fn a_refusal_has_its_code_whoever_wrote_it() {
        for (body, code) in [
            (r#"{"__type":"NoSuchResourceException","Message":"no"}"#, Some("NoSuchResourceException")),
            (r#"{"__type":"a.b#AccessDeniedException:http://c"}"#, Some("AccessDeniedException")),
            (r#"{"error":"Unsupported service"}"#, None),
            ("<html>Bad gateway", None),
            ("[1]", None),
            ("", None),
        ] {
            let problem = told(400, body).unwrap_err();
            assert_eq!(problem.as_operation_error().unwrap().code(), code, "{body}");
        }
        assert!(told(200, "<html>").unwrap_err().as_operation_error().is_none());
        assert_eq!(told(200, r#"{"Quota":{"Value":1.5}}"#).unwrap()["Quota"]["Value"], 1.5);
    }
}
