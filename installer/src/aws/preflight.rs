//! Who we are and which cluster this is, before anything else is asked.

use super::{Door, Failure, Meaning, failed};
use crate::settings::Settings;

/// The cluster as EKS describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The account that owns it.
    pub account: String,
    /// `1.34`.
    pub version: String,
    /// URL of its API server; empty where EKS does not say.
    pub endpoint: String,
    /// The API server's authority, PEM in base64.
    pub authority: String,
    /// `ACTIVE`, or `UPDATING`.
    pub status: String,
    /// The one that EKS made for it.
    pub security_group: Option<String>,
}

/// Why nothing can be done.
#[derive(Debug, thiserror::Error)]
pub enum PreflightError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] Failure),
    /// The settings speak of another account, cluster, VPC or version.
    #[error("{name} is {told}, but {found}")]
    Other {
        /// The setting.
        name: &'static str,
        /// What it says.
        told: String,
        /// What is there.
        found: String,
    },
    /// It is being made, changed or removed.
    #[error("the cluster {name} is {status}; it must be ACTIVE")]
    Status {
        /// The cluster.
        name: String,
        /// Its status.
        status: String,
    },
}

/// Asks who we are and for the cluster of `settings`, and compares.
pub async fn preflight(door: &Door, settings: &Settings) -> Result<Cluster, PreflightError> {
    let account = account(door, settings).await?;
    let name = &settings.cluster_name;
    let cluster =
        match door.eks.describe_cluster().name(name).send().await.map_err(failed("eks:DescribeCluster")) {
            Ok(answer) => answer.cluster,
            Err(failure) if failure.meaning == Meaning::Absent => None,
            Err(failure) => return Err(failure.into()),
        };
    let Some(cluster) = cluster else {
        let found = format!("account {account} has no such cluster in {}", settings.aws_region);
        return Err(PreflightError::Other { name: "CLUSTER_NAME", told: name.clone(), found });
    };
    let status = cluster.status().map_or("without a status", aws_sdk_eks::types::ClusterStatus::as_str);
    // While it is updated it takes add-ons, associations and access entries.
    if !["ACTIVE", "UPDATING"].contains(&status) {
        return Err(PreflightError::Status { name: name.clone(), status: status.to_owned() });
    }
    let version = cluster.version().unwrap_or_default().to_owned();
    same("KUBERNETES_VERSION", &settings.kubernetes_version, &version, "the cluster runs")?;
    let status = status.to_owned();
    let network = cluster.resources_vpc_config();
    let vpc = network.and_then(|network| network.vpc_id()).unwrap_or_default();
    same("VPC_ID", &settings.vpc_id, vpc, "the cluster is in")?;
    let endpoint = cluster.endpoint().unwrap_or_default().to_owned();
    let authority = cluster.certificate_authority().and_then(|authority| authority.data());
    let authority = authority.unwrap_or_default().to_owned();
    let security_group = network.and_then(|network| network.cluster_security_group_id()).map(str::to_owned);
    Ok(Cluster { account, version, endpoint, authority, status, security_group })
}

async fn account(door: &Door, settings: &Settings) -> Result<String, PreflightError> {
    let identity = door.sts.get_caller_identity().send().await.map_err(failed("sts:GetCallerIdentity"))?;
    let account = identity.account().unwrap_or_default().to_owned();
    if let Some(told) = &settings.aws_account_id {
        same("AWS_ACCOUNT_ID", told, &account, "these credentials are for")?;
    }
    Ok(account)
}

fn same(name: &'static str, told: &str, there: &str, words: &str) -> Result<(), PreflightError> {
    if told == there {
        return Ok(());
    }
    Err(PreflightError::Other { name, told: told.to_owned(), found: format!("{words} {there}") })
}
