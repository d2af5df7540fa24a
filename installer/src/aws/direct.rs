//! Calls on the SDK's own runtime without a client of the SDK's: the same credentials, retries, time limits and audit log.

use aws_config::{Region, SdkConfig};
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::orchestrator::operation::{Operation, OperationBuilder};
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SigningName;
use aws_types::region::SigningRegion;

use super::Recorder;

/// How such calls name their program.
pub(super) const AGENT: &str = concat!("gpunode-installer/", env!("CARGO_PKG_VERSION"));

/// Where a call goes and how it is signed.
pub(super) struct Call {
    /// `EC2`; in small letters it is the name that is signed for.
    pub(super) service: &'static str,
    pub(super) operation: &'static str,
    pub(super) endpoint: String,
    pub(super) region: Region,
    pub(super) signed: SigningOptions,
}

/// The call, without what is sent and read.
pub(super) fn operation<E>(
    shared: &SdkConfig,
    recorder: &Recorder,
    call: Call,
) -> Result<OperationBuilder, String>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let mut builder: OperationBuilder = Operation::builder()
        .service_name(call.service)
        .operation_name(call.operation)
        .endpoint_url(&call.endpoint)
        .interceptor(recorder.clone())
        .with_connection_poisoning()
        .retry_classifier(TransientErrorClassifier::<E>::new())
        .retry_classifier(AwsErrorCodeClassifier::<E>::new())
        .retry_classifier(HttpStatusCodeClassifier::default())
        .runtime_plugin(signed(shared, call)?);
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
    Ok(builder)
}

/// Who signs, and for what.
fn signed(shared: &SdkConfig, call: Call) -> Result<StaticRuntimePlugin, String> {
    let credentials = shared.credentials_provider().ok_or("no credentials")?;
    let mut config = Layer::new(call.service);
    config.store_put(AuthSchemeOptionResolverParams::new(()));
    config.store_put(SigV4OperationSigningConfig {
        region: Some(SigningRegion::from(call.region)),
        name: Some(SigningName::from(call.service.to_ascii_lowercase())),
        signing_options: call.signed,
        ..SigV4OperationSigningConfig::default()
    });
    let mut components = RuntimeComponentsBuilder::new(call.service);
    components.set_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])));
    components.push_auth_scheme(SigV4AuthScheme::new());
    components.set_identity_resolver(SCHEME_ID, credentials);
    components.set_identity_cache(shared.identity_cache());
    Ok(StaticRuntimePlugin::new().with_config(config.freeze()).with_runtime_components(components))
}
