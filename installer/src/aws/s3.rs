//! One call of S3's: whether a bucket is there, where, and whose. It is made as those of EC2 are, without the SDK's client.

use std::sync::Arc;

use aws_config::{Region, SdkConfig};
use aws_runtime::auth::SigningOptions;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;

use super::direct::{self, AGENT, Call};
use super::query::Refusal;
use super::{Failure, Meaning, Recorder, endpoint, failed};

/// As IAM policies name what it takes is another thing: `s3:ListBucket`.
const CALL: &str = "s3:HeadBucket";

/// The client.
#[derive(Clone, Debug)]
pub struct S3 {
    shared: Arc<SdkConfig>,
    recorder: Recorder,
}

/// What S3 answers. A HEAD has no body, so there is no code and no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// 200, 301, 307, 400, 403 or 404.
    pub status: u16,
    /// The bucket's region, which S3 also says to those whom it says nothing else.
    pub region: Option<String>,
}

/// A bucket, and the account that it must be of.
#[derive(Clone, Debug)]
struct Question {
    bucket: String,
    owner: Option<String>,
}

impl S3 {
    pub(super) fn new(shared: &Arc<SdkConfig>, recorder: Recorder) -> Self {
        Self { shared: Arc::clone(shared), recorder }
    }

    /// Asks S3 in `region` for `bucket`, which must be a bucket's name; with `owner` only that account's is let through.
    pub async fn head(&self, bucket: &str, region: &str, owner: Option<&str>) -> Result<Head, Failure> {
        let operation = self.operation(region);
        let operation = operation.map_err(|what| Failure { call: CALL, meaning: Meaning::Never, what })?;
        let question = Question { bucket: bucket.to_owned(), owner: owner.map(str::to_owned) };
        operation.invoke(question).await.map_err(failed(CALL))
    }

    fn operation(&self, region: &str) -> Result<Operation<Question, Head, Refusal>, String> {
        let call = Call {
            service: "S3",
            operation: "HeadBucket",
            endpoint: endpoint::url(&self.shared, "S3", region),
            region: Region::new(region.to_owned()),
            signed: signed(),
        };
        let builder = direct::operation::<Refusal>(&self.shared, &self.recorder, call)?;
        Ok(builder.serializer(|question: Question| request(&question)).deserializer(answer).build())
    }
}

/// What S3 signs unlike all others. Source: S3 API Reference, "Authenticating Requests: Using the Authorization Header".
fn signed() -> SigningOptions {
    let mut options = SigningOptions::default();
    options.double_uri_encode = false;
    options.content_sha256_header = true;
    options.normalize_uri_path = false;
    options
}

/// By path, not by host: certificates for hosts have no names with dots.
fn request(question: &Question) -> Result<HttpRequest, BoxError> {
    let request = http::Request::head(format!("/{}", question.bucket)).header("user-agent", AGENT);
    let request = match &question.owner {
        Some(owner) => request.header("x-amz-expected-bucket-owner", owner),
        None => request,
    };
    Ok(request.body(SdkBody::empty())?.try_into()?)
}

fn answer(response: &HttpResponse) -> Result<Head, OrchestratorError<Refusal>> {
    let status = response.status().as_u16();
    if ![200, 301, 307, 400, 403, 404].contains(&status) {
        let nothing = ErrorMetadata::builder().message("S3 says nothing with it").build();
        return Err(OrchestratorError::operation(Refusal(nothing)));
    }
    let region = response.headers().get("x-amz-bucket-region").filter(|region| !region.is_empty());
    Ok(Head { status, region: region.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_something_of_the_bucket_is_an_answer() {
        let told = |status: u16| {
            let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
            response.headers_mut().insert("x-amz-bucket-region", "eu-west-1");
            answer(&response)
        };
        let region = Some("eu-west-1".to_owned());
        assert_eq!(told(403).unwrap(), Head { status: 403, region });
        for status in [429, 500, 503] {
            assert!(told(status).unwrap_err().as_operation_error().is_some(), "{status}");
        }
    }
}
