//! What AWS says of a quota and of what runs.

use std::time::Duration;

use gpunode_host::catalog;

use super::{Asked, Quota, Verdict, counting, judge};
use crate::aws::{Door, Element, Failure, Form, Meaning};
use crate::carry_out::patiently;
use crate::gpu::{candidates, scaling_group};
use crate::settings::Settings;

/// For all that is asked: whoever waits for node groups waits no longer for a service that does not answer.
const PATIENCE: Duration = Duration::from_secs(45);
/// Instances in one answer: each has up to 33 interfaces, about 1 KiB of XML each.
const PAGE: &str = "100";

/// Whether EC2's quotas let `groups` node groups grow to their largest size, beside all else that runs.
pub async fn quota(door: &Door, settings: &Settings, groups: usize) -> Verdict {
    let quota = match counting(settings) {
        Ok(quota) => quota,
        Err(verdict) => return verdict,
    };
    let asked = async {
        let allowed = patiently(|| door.quotas.of_ec2(quota.code));
        let others = patiently(|| others(door, settings, quota));
        let (allowed, others) = tokio::join!(allowed, others);
        Asked { allowed, others }
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(asked) => judge(settings, quota, groups, &asked),
        Err(_) => Verdict::Unknown(format!(
            "no answer about the quota {} ({}) within {} s",
            quota.code,
            quota.name,
            PATIENCE.as_secs()
        )),
    }
}

/// vCPUs of what runs, counts and is not of these node groups.
async fn others(door: &Door, settings: &Settings, quota: &Quota) -> Result<u64, Failure> {
    let call = "ec2:DescribeInstances";
    let types: Vec<String> = quota.families.iter().map(|family| format!("{family}*")).collect();
    let types: Vec<&str> = types.iter().map(String::as_str).collect();
    let form = Form::new(call).filter("instance-state-name", &["pending", "running"]);
    let form = form.filter("instance-type", &types).with("MaxResults", PAGE);
    let found = door.ec2.list(form, "reservationSet").await?;
    let ours: Vec<String> = candidates(settings).into_iter().map(|group| group.name).collect();
    let mut sum = 0_u64;
    for instance in found.iter().flat_map(|reservation| reservation.items("instancesSet")) {
        if !counts(instance, quota.spot) || is_ours(instance, &settings.cluster_name, &ours) {
            continue;
        }
        let kind = instance.text("instanceType");
        let cpus = cpus(instance, kind).ok_or_else(|| Failure {
            call,
            meaning: Meaning::Never,
            what: format!("nobody says how many vCPUs {kind} has, of which one runs"),
        })?;
        sum = sum.saturating_add(cpus);
    }
    Ok(sum)
}

/// By how it was bought. Those of capacity blocks have a lifecycle of their own.
pub(super) fn counts(instance: &Element, spot: bool) -> bool {
    instance.text("instanceLifecycle") == if spot { "spot" } else { "" }
}

/// EKS tags the nodes of its groups so, and Auto Scaling those of its own.
pub(super) fn is_ours(instance: &Element, cluster: &str, groups: &[String]) -> bool {
    let group = instance.tag("eks:nodegroup-name");
    let own = instance.tag("aws:autoscaling:groupName");
    if own.is_some_and(|own| groups.iter().any(|group| own == scaling_group(cluster, group))) {
        return true;
    }
    instance.tag("eks:cluster-name").as_deref() == Some(cluster)
        && group.is_some_and(|group| groups.contains(&group))
}

/// The type's, as the quota counts; of a type that is not in the catalogue, the instance's own.
pub(super) fn cpus(instance: &Element, kind: &str) -> Option<u64> {
    if let Some(cpus) = catalog::find(kind).and_then(|kind| kind.vcpus) {
        return Some(u64::from(cpus));
    }
    let options = instance.child("cpuOptions")?;
    let number = |name| options.text(name).parse::<u64>().ok();
    number("coreCount")?.checked_mul(number("threadsPerCore")?)
}
