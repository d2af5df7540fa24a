//! The token that EKS takes: a signed question to STS who we are, which EKS's authenticator asks in our place.
//!
//! Its form is that of aws-iam-authenticator ("API Authorization from Outside a Cluster") and of `aws eks get-token`:
//! `k8s-aws-v1.` and a presigned URL in base64. It holds for 15 minutes after it was signed.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::access::AccessError;

/// The header that binds the question to one cluster.
const CLUSTER: &str = "x-k8s-aws-id";
/// What `aws eks get-token` says; the authenticator goes by the date alone.
const EXPIRES: Duration = Duration::from_secs(60);

/// Makes tokens for one cluster: each request has one of its own, since signing is a matter of microseconds.
#[derive(Clone, Debug)]
pub struct EksToken {
    /// Whose they are.
    pub credentials: SharedCredentialsProvider,
    /// The region of the cluster.
    pub region: String,
    /// Its name.
    pub cluster: String,
}

impl EksToken {
    pub(super) async fn token(&self) -> Result<String, AccessError> {
        let credentials = self.credentials.provide_credentials().await;
        let credentials =
            credentials.map_err(|error| AccessError::Token(format!("no credentials: {error}")))?;
        token(credentials, &self.region, &self.cluster, SystemTime::now())
    }
}

fn token(
    credentials: Credentials,
    region: &str,
    cluster: &str,
    now: SystemTime,
) -> Result<String, AccessError> {
    let url = signed(credentials, region, cluster, now).map_err(AccessError::Token)?;
    Ok(format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url)))
}

fn signed(credentials: Credentials, region: &str, cluster: &str, now: SystemTime) -> Result<String, String> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let identity = credentials.into();
    let params = v4::SigningParams::builder().identity(&identity).region(region).name("sts");
    let params = params.time(now).settings(settings).build().map_err(|error| error.to_string())?.into();
    let url = format!("https://{}/?Action=GetCallerIdentity&Version=2011-06-15", host(region));
    let request =
        SignableRequest::new("GET", &url, [(CLUSTER, cluster)].into_iter(), SignableBody::Bytes(&[]))
            .map_err(|error| error.to_string())?;
    let (instructions, _) = sign(request, &params).map_err(|error| error.to_string())?.into_parts();
    let mut request =
        hyper::Request::builder().method("GET").uri(&url).body(()).map_err(|error| error.to_string())?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request.uri().to_string())
}

/// STS in that region, by the domain of its partition. Source: botocore's `partitions.json`.
fn host(region: &str) -> String {
    let domains = [
        ("cn-", "amazonaws.com.cn"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("us-iso-", "c2s.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("eusc-", "amazonaws.eu"),
    ];
    let domain = domains.iter().find(|(prefix, _)| region.starts_with(prefix));
    format!("sts.{region}.{}", domain.map_or("amazonaws.com", |(_, domain)| domain))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// 2026-01-02T03:04:05Z.
    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_767_323_045)
    }

    fn url(session: Option<&str>) -> String {
        let credentials =
            Credentials::new("AKIAEXAMPLE", "secret/key", session.map(str::to_owned), None, "test");
        let token = token(credentials, "us-west-2", "research", now()).unwrap();
        let encoded = token.strip_prefix("k8s-aws-v1.").unwrap();
        String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
    }

    /// What botocore's `RequestSigner.generate_presigned_url` makes of the same at the same second.
    #[test]
    fn the_signature_is_botocore_s() {
        let url = url(None);
        let (place, query) = url.split_once("/?").unwrap();
        assert_eq!(place, "https://sts.us-west-2.amazonaws.com");
        let mut pairs: Vec<_> = query.split('&').collect();
        pairs.sort_unstable();
        assert_eq!(
            pairs,
            [
                "Action=GetCallerIdentity",
                "Version=2011-06-15",
                "X-Amz-Algorithm=AWS4-HMAC-SHA256",
                "X-Amz-Credential=AKIAEXAMPLE%2F20260102%2Fus-west-2%2Fsts%2Faws4_request",
                "X-Amz-Date=20260102T030405Z",
                "X-Amz-Expires=60",
                "X-Amz-Signature=f12d220b7716deab488e57d1f5786d075302dc8382a070c684ab0d93aadcc925",
                "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
            ]
        );
    }

    #[test]
    fn a_session_s_token_goes_along_and_other_partitions_have_their_domains() {
        assert!(url(Some("a+b/=")).contains("X-Amz-Security-Token=a%2Bb%2F%3D"));
        assert_eq!(host("cn-north-1"), "sts.cn-north-1.amazonaws.com.cn");
        assert_eq!(host("us-gov-west-1"), "sts.us-gov-west-1.amazonaws.com");
        assert_eq!(host("us-isob-east-1"), "sts.us-isob-east-1.sc2s.sgov.gov");
    }
}
