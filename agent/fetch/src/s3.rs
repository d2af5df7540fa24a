//! Objects in S3: a signed URL, with the credentials of the instance's role from the metadata service.

use std::time::Duration;

use gpunode_imds as imds;
use reqwest::Url;
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use serde::Deserialize;

use crate::Cause;

/// A request is sent at once; what is left of this is for clocks that differ.
const VALID: Duration = Duration::from_secs(900);

const ROLE: &str = "meta-data/iam/security-credentials/";

/// Where S3 is and whose credentials are used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Instead of the region's public endpoint: a VPC endpoint, or a test's server.
    pub(crate) endpoint: Option<Url>,
    pub(crate) imds: imds::Settings,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    access_key_id: String,
    secret_access_key: String,
    token: String,
}

/// The URL at which the object can be got for a quarter of an hour. It holds a signature: it belongs in no message.
pub(crate) async fn url(place: &Place, bucket: &str, key: &str, region: Option<&str>) -> Result<Url, Cause> {
    let client = imds::Client::new(place.imds.clone()).map_err(|error| credentials(&error))?;
    let role = role(&client).await?;
    let region = match region {
        Some(region) => region.to_owned(),
        None => leaf(&client, "meta-data/placement/region").await?,
    };
    let endpoint = if let Some(endpoint) = &place.endpoint {
        endpoint.clone()
    } else {
        let domain = leaf(&client, "meta-data/services/domain").await?;
        let text = format!("https://s3.{region}.{domain}");
        Url::parse(&text).map_err(|_| Cause::Credentials(format!("{text:?} is no URL")))?
    };
    // A bucket's dots would be levels of the host's name, for which there is no certificate.
    let in_path = place.endpoint.is_some() || bucket.contains('.');
    let style = if in_path { UrlStyle::Path } else { UrlStyle::VirtualHost };
    let bucket =
        Bucket::new(endpoint, style, bucket.to_owned(), region).map_err(|error| credentials(&error))?;
    let role = Credentials::new_with_token(role.access_key_id, role.secret_access_key, role.token);
    Ok(bucket.get_object(Some(&role), key).sign(VALID))
}

async fn role(client: &imds::Client) -> Result<Role, Cause> {
    let name = leaf(client, ROLE).await?;
    let name = name.lines().next().unwrap_or_default();
    let text = leaf(client, &format!("{ROLE}{name}")).await?;
    // The parser's message quotes what it read, which here is a secret.
    serde_json::from_str(&text)
        .map_err(|_| Cause::Credentials(format!("the metadata service gives none for the role {name}")))
}

async fn leaf(client: &imds::Client, path: &str) -> Result<String, Cause> {
    let absent = || match path {
        ROLE => "the instance has no role (no instance profile is attached)".to_owned(),
        _ => format!("the metadata service has no {path}"),
    };
    let bytes = client.get(path).await.map_err(|error| credentials(&error))?;
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.filter(|text| !text.trim().is_empty()).ok_or_else(|| Cause::Credentials(absent()))
}

fn credentials(error: &dyn std::fmt::Display) -> Cause {
    Cause::Credentials(error.to_string())
}
