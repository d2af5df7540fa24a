//! Credentials and cluster.

use super::Finding;
use crate::aws::{
    Caller, Cluster, Door, Meaning, PreflightError, caller, describe, mistakes, no_cluster, other_account,
};
use crate::gpu::contradictions;
use crate::settings::{NodeGroupKind, Settings};

/// What was found out of the account and the cluster.
#[derive(Debug, Default)]
pub struct Account {
    /// Whose credentials these are.
    pub caller: Option<Caller>,
    /// The cluster.
    pub cluster: Option<Cluster>,
}

/// Whose credentials these are, and whether the cluster is there.
pub async fn account(door: &Door, settings: &Settings) -> (Account, Vec<Finding>) {
    let mut account = Account::default();
    let caller = match caller(door).await {
        Ok(caller) => caller,
        // Nobody answered: that says nothing of the credentials.
        Err(failure) if failure.meaning == Meaning::Later => {
            return (account, vec![Finding::unknown("AWS credentials", failure)]);
        }
        Err(failure) => {
            let advice = "see what `aws sts get-caller-identity` says; log in again, or name a profile with --profile or AWS_PROFILE";
            return (account, vec![Finding::error("AWS credentials", failure, advice)]);
        }
    };
    let mut findings = vec![match other_account(settings, &caller.account) {
        None => Finding::ok("AWS credentials", format_args!("{} in account {}", caller.arn, caller.account)),
        Some(other) => Finding::error(
            "AWS credentials",
            other,
            "take credentials of that account, or correct AWS_ACCOUNT_ID",
        ),
    }];
    match describe(door, settings, &caller.account).await {
        Ok(Some(cluster)) => account.cluster = Some(cluster),
        Ok(None) => findings.push(Finding::error(
            "cluster",
            no_cluster(settings, &caller.account),
            "correct CLUSTER_NAME or AWS_REGION, or take credentials of the account that has it",
        )),
        Err(failure) => findings.push(Finding::unknown("cluster", failure)),
    }
    account.caller = Some(caller);
    (account, findings)
}

/// Whether the cluster is as the settings say, still supported, and lets nodes in by access entries.
pub async fn cluster(door: &Door, settings: &Settings, cluster: &Cluster) -> Vec<Finding> {
    let wrong = mistakes(settings, cluster);
    let mut findings: Vec<_> = wrong
        .iter()
        .map(|mistake| {
            let advice = match mistake {
                PreflightError::Status { .. } => "wait for it, or see what the EKS console says of it",
                PreflightError::Other { .. } | PreflightError::Call(_) => "correct the setting",
            };
            Finding::error("cluster", mistake, advice)
        })
        .collect();
    if wrong.is_empty() {
        let name = &settings.cluster_name;
        findings
            .push(Finding::ok("cluster", format_args!("{name} ({}) is {}", cluster.version, cluster.status)));
    }
    let told = contradictions(settings, cluster);
    findings
        .extend(told.iter().map(|told| Finding::error("what nodes are told", told, "correct the setting")));
    findings.push(support(door, &cluster.version).await);
    findings.push(entry(settings, &cluster.entry));
    findings
}

/// Whether EKS still supports `version`.
async fn support(door: &Door, version: &str) -> Finding {
    let subject = "Kubernetes version";
    let answer = door.eks.describe_cluster_versions().cluster_versions(version).send().await;
    let answer = match answer.map_err(crate::aws::failed("eks:DescribeClusterVersions")) {
        Ok(answer) => answer,
        Err(failure) => return Finding::unknown(subject, failure),
    };
    let found = answer.cluster_versions().iter().find(|found| found.cluster_version() == Some(version));
    let status =
        found.and_then(|found| found.version_status()).map(aws_sdk_eks::types::VersionStatus::as_str);
    match status {
        Some("STANDARD_SUPPORT") => Finding::ok(subject, format_args!("{version} is in standard support")),
        Some("EXTENDED_SUPPORT") => Finding::warning(
            subject,
            format_args!("{version} is in extended support, which costs extra and ends"),
            "update the cluster, one minor version at a time",
        ),
        Some("UNSUPPORTED") => Finding::error(
            subject,
            format_args!("{version} is not supported any more"),
            "update the cluster, one minor version at a time",
        ),
        other => {
            Finding::unknown(subject, format_args!("EKS says {} of {version}", other.unwrap_or("nothing")))
        }
    }
}

/// Where it is written who may enter. Source: Amazon EKS User Guide, "Change authentication mode".
fn entry(settings: &Settings, mode: &str) -> Finding {
    let subject = "authentication mode";
    match mode {
        "API" | "API_AND_CONFIG_MAP" => Finding::ok(subject, mode),
        "CONFIG_MAP" => {
            let what = "CONFIG_MAP: EKS takes no access entries, so who may enter stands in aws-auth only";
            let advice = "change it, which cannot be taken back: aws eks update-cluster-config --name CLUSTER \
                          --access-config authenticationMode=API_AND_CONFIG_MAP";
            if settings.install_karpenter || settings.gpu_node_group_kind == NodeGroupKind::SelfManaged {
                let what =
                    format_args!("{what}, and nodes of Karpenter and self-managed groups are not let in");
                Finding::error(subject, what, advice)
            } else {
                Finding::warning(subject, what, advice)
            }
        }
        _ => Finding::unknown(subject, "EKS does not say it"),
    }
}
