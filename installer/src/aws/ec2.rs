//! A client of EC2's Query API, on the SDK's own runtime: the same credentials, retries, time limits and audit log as the
//! SDK's clients have. The SDK's client of EC2 has some 700 operations and takes minutes to compile; these are a dozen.

mod endpoint;
mod form;
mod xml;

use aws_config::SdkConfig;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::orchestrator::operation::{Operation, OperationBuilder};
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SigningName;
use aws_types::region::SigningRegion;

use super::{Failure, Meaning, Recorder, failed};

pub use form::Form;
pub use xml::{Element, XmlError};

/// Pages of one list that are asked for.
const MOST_PAGES: usize = 50;

/// The client.
#[derive(Clone, Debug)]
pub struct Ec2 {
    shared: SdkConfig,
    endpoint: String,
    recorder: Recorder,
}

/// What EC2 says of a request that it does not carry out.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", .0.code().unwrap_or("no code"), .0.message().unwrap_or("no message"))]
pub(super) struct Refusal(ErrorMetadata);

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl Ec2 {
    pub(super) fn new(shared: &SdkConfig, recorder: Recorder) -> Self {
        Self { shared: shared.clone(), endpoint: endpoint::url(shared), recorder }
    }

    /// Makes a call.
    pub async fn call(&self, form: Form) -> Result<Element, Failure> {
        let call = form.call;
        let operation =
            self.operation(&form).map_err(|what| Failure { call, meaning: Meaning::Never, what })?;
        operation.invoke(form).await.map_err(failed(call))
    }

    /// Makes a call that lists, as often as there are pages, and returns the items of all under `list`.
    pub async fn list(&self, form: Form, list: &str) -> Result<Vec<Element>, Failure> {
        let call = form.call;
        let mut items = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = next.iter().fold(form.clone(), |form, token: &String| form.with("NextToken", token));
            let answer = self.call(page).await?;
            items.extend(answer.items(list).cloned());
            let token = answer.text("nextToken").to_owned();
            if token.is_empty() {
                return Ok(items);
            }
            // One that comes again would bring the same page.
            if next.as_ref() == Some(&token) {
                break;
            }
            next = Some(token);
        }
        let what = format!("a list without an end: {} items so far", items.len());
        Err(Failure { call, meaning: Meaning::Never, what })
    }

    fn operation(&self, form: &Form) -> Result<Operation<Form, Element, Refusal>, String> {
        let shared = &self.shared;
        let signed = self.signed()?;
        let mut builder: OperationBuilder = Operation::builder()
            .service_name("EC2")
            .operation_name(form.action())
            .endpoint_url(&self.endpoint)
            .interceptor(self.recorder.clone())
            .with_connection_poisoning()
            .retry_classifier(TransientErrorClassifier::<Refusal>::new())
            .retry_classifier(AwsErrorCodeClassifier::<Refusal>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .runtime_plugin(signed);
        if let Some(http) = shared.http_client() {
            builder = builder.http_client(http);
        }
        if let Some(retry) = shared.retry_config() {
            builder = builder.standard_retry(retry);
        }
        if let Some(timeouts) = shared.timeout_config() {
            builder = builder.timeout_config(timeouts.clone());
        }
        if let Some(sleep) = shared.sleep_impl() {
            builder = builder.sleep_impl(sleep);
        }
        if let Some(time) = shared.time_source() {
            builder = builder.time_source(time);
        }
        Ok(builder.serializer(|form: Form| request(&form)).deserializer(answer).build())
    }

    /// Who signs, and for what.
    fn signed(&self) -> Result<StaticRuntimePlugin, String> {
        let region = self.shared.region().ok_or("no region")?.clone();
        let credentials = self.shared.credentials_provider().ok_or("no credentials")?;
        let mut config = Layer::new("EC2");
        config.store_put(AuthSchemeOptionResolverParams::new(()));
        config.store_put(SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(region)),
            name: Some(SigningName::from_static("ec2")),
            ..SigV4OperationSigningConfig::default()
        });
        let mut components = RuntimeComponentsBuilder::new("EC2");
        components
            .set_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])));
        components.push_auth_scheme(SigV4AuthScheme::new());
        components.set_identity_resolver(SCHEME_ID, credentials);
        components.set_identity_cache(self.shared.identity_cache());
        Ok(StaticRuntimePlugin::new().with_config(config.freeze()).with_runtime_components(components))
    }
}

fn request(form: &Form) -> Result<HttpRequest, BoxError> {
    let body = form.body();
    let request = http::Request::post("/")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("content-length", body.len())
        .header("user-agent", concat!("gpunode-installer/", env!("CARGO_PKG_VERSION")))
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
    // A gateway before EC2 may say something that is no XML: the status tells then what it means.
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
    fn a_refusal_has_ec2s_code() {
        let body = "<Response><Errors><Error><Code>InvalidGroup.NotFound</Code><Message>no</Message></Error></Errors></Response>";
        for (body, code) in [(body, Some("InvalidGroup.NotFound")), ("<html>Bad gateway", None), ("", None)] {
            let problem = told(503, body).unwrap_err();
            assert_eq!(problem.as_operation_error().unwrap().code(), code, "{body}");
        }
        assert!(told(200, "<html>").unwrap_err().as_operation_error().is_none());
        assert_eq!(told(200, "<A><b>1</b></A>").unwrap().text("b"), "1");
    }
}
