//! The one door to AWS and to the cluster: clients with bounded time and retries, every call counted, every mutating call in an audit log.

mod audit;
mod auto_scaling;
mod clocks;
mod direct;
mod ec2;
mod endpoint;
mod failure;
mod preflight;
mod query;
mod quotas;
mod s3;

use std::sync::Arc;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, retry::RetryConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::kube::Client;

pub use audit::{Recorder, with_resource};
pub use auto_scaling::AutoScaling;
pub use clocks::Clocks;
pub use ec2::{Ec2, Element, Form, XmlError};
pub use failure::{Failure, Meaning, failed};
pub use preflight::{
    Caller, Cluster, PreflightError, Reach, caller, describe, mistakes, no_cluster, other_account, preflight,
};
pub use quotas::Quotas;
pub use s3::{Head, S3};

/// For a connection to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// For one attempt at a call; AWS answers within seconds or not at all.
const ATTEMPT: Duration = Duration::from_secs(30);
/// For a call with all its attempts.
const OPERATION: Duration = Duration::from_secs(90);
/// Attempts at a call, with jitter between them (the SDK's standard mode). The engine tries again on top of that, after
/// it looked whether the call was carried out.
const ATTEMPTS: u32 = 3;

/// Clients of one region, as whoever the environment or the profile says.
///
/// The SDK reads credentials and endpoints from where the AWS CLI does: `AWS_PROFILE`, `AWS_ENDPOINT_URL`,
/// `AWS_ENDPOINT_URL_<SERVICE>`, the shared files, and so on.
#[derive(Clone, Debug)]
pub struct Door {
    /// Identity and Access Management.
    pub iam: aws_sdk_iam::Client,
    /// Elastic Kubernetes Service.
    pub eks: aws_sdk_eks::Client,
    /// Simple Queue Service.
    pub sqs: aws_sdk_sqs::Client,
    /// EventBridge.
    pub events: aws_sdk_eventbridge::Client,
    /// Elastic Compute Cloud.
    pub ec2: Ec2,
    /// EC2 Auto Scaling.
    pub auto_scaling: AutoScaling,
    /// Service Quotas.
    pub quotas: Quotas,
    /// Simple Storage Service.
    pub s3: S3,
    /// Security Token Service.
    pub sts: aws_sdk_sts::Client,
    /// What signs the token for the cluster.
    pub credentials: Option<SharedCredentialsProvider>,
    /// The cluster's API server, once it was found.
    pub kubernetes: Option<Client>,
    recorder: Recorder,
}

impl Door {
    /// Clients for `region`; nothing is asked yet.
    pub async fn open(region: &str, profile: Option<&str>, recorder: Recorder) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .http_client(http)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        // It is some KiB, and each client of ours holds it.
        let shared = Arc::new(loader.load().await);
        macro_rules! client {
            ($service:ident) => {
                $service::Client::from_conf(
                    $service::config::Builder::from(&*shared).interceptor(recorder.clone()).build(),
                )
            };
        }
        Self {
            iam: client!(aws_sdk_iam),
            eks: client!(aws_sdk_eks),
            sqs: client!(aws_sdk_sqs),
            events: client!(aws_sdk_eventbridge),
            ec2: Ec2::new(&shared, recorder.clone()),
            auto_scaling: AutoScaling::new(&shared, recorder.clone()),
            quotas: Quotas::new(&shared, recorder.clone()),
            s3: S3::new(&shared, recorder.clone()),
            sts: client!(aws_sdk_sts),
            credentials: shared.credentials_provider(),
            kubernetes: None,
            recorder,
        }
    }

    /// The API server, for what is inside the cluster.
    pub fn cluster(&self) -> Result<&Client, Failure> {
        let what = || "nobody knows the way to the cluster".to_owned();
        self.kubernetes.as_ref().ok_or_else(|| Failure {
            call: "kubernetes",
            meaning: Meaning::Never,
            what: what(),
        })
    }

    /// What was called so far.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }
}
