//! Who we are and which cluster this is, before anything else is asked.

use aws_sdk_eks::types::{AuthenticationMode, ClusterStatus, VpcConfigResponse};

use super::{Door, Failure, Meaning, failed};
use crate::settings::Settings;

/// The cluster as EKS describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// The account that owns it.
    pub account: String,
    /// `1.34`.
    pub version: String,
    /// Where it is.
    pub vpc: String,
    /// URL of its API server; empty where EKS does not say.
    pub endpoint: String,
    /// From where its API server can be reached.
    pub reach: Reach,
    /// The API server's authority, PEM in base64.
    pub authority: String,
    /// The addresses of its services; empty where EKS does not say.
    pub service_range: String,
    /// `ACTIVE`, or `UPDATING`.
    pub status: String,
    /// `API`, `API_AND_CONFIG_MAP` or `CONFIG_MAP`: where it is written who may enter; empty where EKS does not say.
    pub entry: String,
    /// The one that EKS made for it.
    pub security_group: Option<String>,
}

/// From where an API server can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// From inside its VPC.
    pub private: bool,
    /// From these ranges of the Internet; none where it has no public address.
    pub public: Vec<String>,
}

/// Whose credentials these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: String,
    /// Of the user or the role's session.
    pub arn: String,
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
    let account = caller(door).await?.account;
    other_account(settings, &account).map_or(Ok(()), Err)?;
    let cluster = describe(door, settings, &account).await?;
    let cluster = cluster.ok_or_else(|| no_cluster(settings, &account))?;
    match mistakes(settings, &cluster).into_iter().next() {
        Some(mistake) => Err(mistake),
        None => Ok(cluster),
    }
}

/// Who we are.
pub async fn caller(door: &Door) -> Result<Caller, Failure> {
    let identity = door.sts.get_caller_identity().send().await.map_err(failed("sts:GetCallerIdentity"))?;
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(Caller { account: text(identity.account()), arn: text(identity.arn()) })
}

/// The cluster of `settings` in `account`, where there is one.
pub async fn describe(door: &Door, settings: &Settings, account: &str) -> Result<Option<Cluster>, Failure> {
    let request = door.eks.describe_cluster().name(&settings.cluster_name);
    let cluster = match request.send().await.map_err(failed("eks:DescribeCluster")) {
        Ok(answer) => answer.cluster,
        Err(failure) if failure.meaning == Meaning::Absent => None,
        Err(failure) => return Err(failure),
    };
    let Some(cluster) = cluster else { return Ok(None) };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let network = cluster.resources_vpc_config();
    let services = cluster.kubernetes_network_config();
    let services = services.and_then(|range| range.service_ipv4_cidr().or(range.service_ipv6_cidr()));
    let ranges = network.filter(|network| network.endpoint_public_access());
    let entry = cluster.access_config().and_then(|access| access.authentication_mode());
    Ok(Some(Cluster {
        account: account.to_owned(),
        version: text(cluster.version()),
        vpc: text(network.and_then(|network| network.vpc_id())),
        endpoint: text(cluster.endpoint()),
        reach: Reach {
            private: network.is_some_and(VpcConfigResponse::endpoint_private_access),
            public: ranges.map(|network| network.public_access_cidrs().to_vec()).unwrap_or_default(),
        },
        authority: text(cluster.certificate_authority().and_then(|authority| authority.data())),
        service_range: text(services),
        status: text(cluster.status().map(ClusterStatus::as_str)),
        entry: text(entry.map(AuthenticationMode::as_str)),
        security_group: network.and_then(|network| network.cluster_security_group_id()).map(str::to_owned),
    }))
}

/// That the credentials are for another account than the settings.
pub fn other_account(settings: &Settings, account: &str) -> Option<PreflightError> {
    let told = settings.aws_account_id.as_ref()?;
    other("AWS_ACCOUNT_ID", told, account, "these credentials are for")
}

/// That there is no such cluster.
pub fn no_cluster(settings: &Settings, account: &str) -> PreflightError {
    let found = format!("account {account} has no such cluster in {}", settings.aws_region);
    PreflightError::Other { name: "CLUSTER_NAME", told: settings.cluster_name.clone(), found }
}

/// Everything in which `cluster` is not what the settings say, or cannot be worked with; the worst first.
pub fn mistakes(settings: &Settings, cluster: &Cluster) -> Vec<PreflightError> {
    // While it is updated it takes add-ons, associations and access entries.
    let works = ["ACTIVE", "UPDATING"].contains(&cluster.status.as_str());
    let status = (!works).then(|| {
        let status = if cluster.status.is_empty() { "without a status" } else { &cluster.status };
        PreflightError::Status { name: settings.cluster_name.clone(), status: status.to_owned() }
    });
    let version =
        other("KUBERNETES_VERSION", &settings.kubernetes_version, &cluster.version, "the cluster runs");
    let vpc = other("VPC_ID", &settings.vpc_id, &cluster.vpc, "the cluster is in");
    [status, version, vpc].into_iter().flatten().collect()
}

fn other(name: &'static str, told: &str, there: &str, words: &str) -> Option<PreflightError> {
    (told != there).then(|| PreflightError::Other {
        name,
        told: told.to_owned(),
        found: format!("{words} {there}"),
    })
}
