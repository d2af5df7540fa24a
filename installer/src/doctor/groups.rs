//! GPU node groups and the subnets of nodes.

use std::collections::BTreeMap;

use super::{Finding, stated};
use crate::aws::{Cluster, Door};
use crate::carry_out::look_each;
use crate::desired::Seen;
use crate::gpu::{self, Group, Subnet, Verdict};
use crate::settings::{Loaded, Settings};
use crate::things::{self, GpuThings};

/// Addresses that are few: a node takes one for each interface with addresses, and its pods take more.
const FEW: u64 = 16;
/// What is in the way of GPU node groups, as `gpu create` would refuse it; and how those are that were made.
pub async fn groups(door: &Door, loaded: &Loaded, cluster: &Cluster) -> Vec<Finding> {
    let (settings, subject) = (&loaded.settings, "GPU node groups");
    let mut facts = match gpu::facts(door, settings).await {
        Ok(facts) => facts,
        Err(failure) => return vec![Finding::unknown(subject, failure)],
    };
    // Where a subnet is not there, that is told.
    let groups = gpu::groups(settings, &facts.subnets, true).unwrap_or_default();
    match gpu::nodes(door, settings, &groups).await {
        Ok(nodes) => facts.nodes = nodes,
        Err(failure) => return vec![Finding::unknown(subject, failure)],
    }
    match gpu::there_as_other_kind(door, settings, &groups).await {
        Ok(there) => facts.other_kind = there,
        Err(failure) => return vec![Finding::unknown(subject, failure)],
    }
    let problems = gpu::check(settings, &facts, &groups);
    let advice = "correct the setting, or what it names";
    let mut findings: Vec<_> =
        problems.iter().map(|problem| Finding::error(problem.setting, &problem.what, advice)).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(subject, "subnets, type, addresses and named groups will do"));
    }
    // The zones of groups are known where all subnets are there.
    if facts.subnets.len() == settings.gpu_subnets().len() {
        findings.extend(made(door, loaded, cluster, &groups).await);
    }
    findings
}

/// Whether EC2's quotas let the node groups grow to their largest size.
pub async fn quota(door: &Door, settings: &Settings) -> Vec<Finding> {
    let subject = "EC2 quota";
    let ids: Vec<_> = settings.gpu_subnets().into_iter().map(|(_, id)| id).collect();
    let subnets = match gpu::subnets(door, &ids).await {
        Ok(subnets) => subnets,
        Err(failure) => return vec![Finding::unknown(subject, failure)],
    };
    // One for each zone.
    let groups = gpu::groups(settings, &subnets, true).unwrap_or_default();
    vec![match gpu::quota(door, settings, groups.len()).await {
        Verdict::Fine(what) => Finding::ok(subject, what),
        Verdict::Unknown(why) => Finding::unknown(subject, why),
        Verdict::Small(problem) => Finding::error(subject, problem, ""),
    }]
}

/// How that is which `gpu create` has made; what it was never asked for is not missed.
async fn made(door: &Door, loaded: &Loaded, cluster: &Cluster, groups: &[Group]) -> Vec<Finding> {
    let what = GpuThings { loaded, cluster, groups, everything: false };
    let (things, graph) = match things::gpu_things(what) {
        Ok(made) => made,
        Err(error) => return vec![Finding::error("GPU node groups", error, "correct the setting")],
    };
    let mut looks: BTreeMap<_, _> = look_each(door, &things).await;
    let is_absent =
        |look: &Result<things::Look, String>| look.as_ref().is_ok_and(|look| look.seen == Seen::Absent);
    if looks.values().all(is_absent) {
        return vec![Finding::ok("GPU node groups", "none is made by gpu create")];
    }
    looks.retain(|_, look| !is_absent(look));
    stated(
        ("what gpu create makes", "installer gpu create"),
        &graph,
        &looks,
        &things::gpu_owner(&loaded.settings),
    )
}

/// Subnets of the settings with few free addresses.
pub async fn subnets(door: &Door, settings: &Settings) -> Vec<Finding> {
    let mut ids = settings.private_subnets();
    ids.extend(settings.gpu_subnets().into_iter().map(|(_, id)| id));
    ids.sort_unstable();
    ids.dedup();
    match gpu::subnets(door, &ids).await {
        Ok(found) => room(&ids, &found),
        Err(failure) => vec![Finding::unknown("subnets", failure)],
    }
}

fn room(ids: &[&str], found: &[Subnet]) -> Vec<Finding> {
    let each = |id: &&str| {
        let subject = format!("subnet {id}");
        let Some(subnet) = found.iter().find(|subnet| subnet.id == **id) else {
            return Finding::error(subject, "is not there", "correct PRIVATE_SUBNET_… or GPU_SUBNET_…");
        };
        let what = format!("{} free addresses in {}", subnet.free, subnet.zone);
        let advice = "take a larger subnet, or give the VPC another range: nodes and pods without addresses do not start";
        match subnet.free {
            0 => Finding::error(subject, what, advice),
            1..FEW => Finding::warning(subject, what, advice),
            _ => Finding::ok(subject, what),
        }
    };
    ids.iter().map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_subnet_without_room_and_one_that_is_not_there_are_told() {
        let subnet =
            |id: &str, free| Subnet { id: id.to_owned(), vpc: String::new(), zone: "a".to_owned(), free };
        let found = [subnet("s-1", 0), subnet("s-2", 15), subnet("s-3", 16)];
        let levels: Vec<_> =
            room(&["s-1", "s-2", "s-3", "s-4"], &found).iter().map(|finding| finding.level).collect();
        assert_eq!(levels, [Level::Error, Level::Warning, Level::Ok, Level::Error]);
    }
}
