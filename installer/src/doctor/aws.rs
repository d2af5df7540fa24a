//! Credentials, cluster, add-ons, clocks.

use super::Finding;
use crate::aws::{
    Caller, Clocks, Cluster, Door, Meaning, PreflightError, caller, describe, mistakes, no_cluster,
    other_account,
};
use crate::gpu::contradictions;
use crate::settings::{NodeGroupKind, Settings};
use crate::things;

/// Seconds that a clock may be off: AWS refuses signatures at five minutes, and a cluster's token is good for 60 s before
/// it was made and 14 minutes after. Source: AWS, "Signature Version 4"; aws-iam-authenticator.
const OFF: (i64, i64) = (30, 240);

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

/// What is wrong with each add-on, whoever installed it; and whether pods can get roles at all.
pub async fn addons(door: &Door, settings: &Settings) -> Vec<Finding> {
    const AGENT: &str = "eks-pod-identity-agent";
    let all = match things::addons(door, &settings.cluster_name).await {
        Ok(all) => all,
        Err(failure) => return vec![Finding::unknown("add-ons", failure)],
    };
    let mut findings = Vec::new();
    for (name, look) in &all {
        let subject = format!("add-on {name}");
        let look = match look {
            Ok(look) => look,
            Err(failure) => {
                findings.push(Finding::unknown(subject, failure));
                continue;
            }
        };
        let note = look.note.clone().unwrap_or_default();
        let advice = format!(
            "see its pods: kubectl -n kube-system get pods; then aws eks describe-addon --addon-name {name}"
        );
        findings.push(match (look.sick, &look.pending) {
            (true, _) => Finding::error(subject, note, &advice),
            (false, Some(_)) => Finding::warning(subject, note, "wait: installer verify --wait 20"),
            (false, None) => Finding::ok(subject, note),
        });
    }
    if !all.iter().any(|(name, _)| name == AGENT) {
        let what = "is not installed: no pod gets its role by Pod Identity";
        findings.push(Finding::error(format_args!("add-on {AGENT}"), what, "installer apply"));
    }
    findings
}

/// How far our clock is from AWS's and the API server's.
pub fn clocks(clocks: &Clocks) -> Vec<Finding> {
    ["AWS", "the API server"].into_iter().map(|who| clock(who, clocks.ahead(who))).collect()
}

fn clock(who: &str, ahead: Option<i64>) -> Finding {
    let subject = format!("clock, against {who}");
    let Some(ahead) = ahead else { return Finding::unknown(subject, "it has not said the time") };
    let what = format!("{} s {} ours", ahead.unsigned_abs(), if ahead < 0 { "behind" } else { "ahead of" });
    let advice = "set this machine's clock (chronyc makestep, or timedatectl set-ntp true)";
    match ahead.abs() {
        off if off >= OFF.1 => Finding::error(subject, what, advice),
        off if off >= OFF.0 => Finding::warning(subject, what, advice),
        _ => Finding::ok(subject, what),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_clock_that_nobody_told_is_not_right() {
        let level = |ahead| clock("AWS", ahead).level;
        assert_eq!(level(None), Level::Unknown);
        for (ahead, expected) in
            [(0, Level::Ok), (-29, Level::Ok), (30, Level::Warning), (-240, Level::Error)]
        {
            assert_eq!(level(Some(ahead)), expected, "{ahead}");
        }
        assert_eq!(level(Some(i64::MAX)), Level::Error);
        assert!(clock("AWS", Some(-300)).what.contains("300 s behind ours"));
    }
}
