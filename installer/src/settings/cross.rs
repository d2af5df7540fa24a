//! What single values cannot say: settings that must fit each other, and the instance type.

use std::collections::BTreeSet;

use gpunode_host::catalog::{self, InterfaceKind, UsageClass};
use gpunode_host::spec::settings::nearest;
use gpunode_host::spec::{Mistake, Row, Source};

use super::choices::{Capacity, NodeGroupKind};
use super::{Settings, Size};

/// What is wrong, and what is allowed.
type Wrong = (String, Option<String>);

/// One rule: the settings it looks at, of which the first is named, and what it finds.
struct Rule {
    looks_at: &'static [&'static str],
    find: fn(&Settings) -> Option<Wrong>,
}

/// Mistakes of values that do not fit each other. Rules about one that is wrong by itself say nothing.
pub(super) fn check(settings: &Settings, wrong: &BTreeSet<&'static str>, rows: &[Row]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for rule in RULES {
        if rule.looks_at.iter().any(|name| wrong.contains(name)) {
            continue;
        }
        let (Some(name), Some((problem, allowed))) = (rule.looks_at.first(), (rule.find)(settings)) else {
            continue;
        };
        let row = rows.iter().find(|row| row.path == *name);
        let source = row.map_or(Source::Default, |row| row.source.clone());
        let value = row.filter(|row| !row.value.is_null()).map(|row| row.value.to_string());
        let suggestion = (*name == "GPU_INSTANCE_TYPE")
            .then(|| nearest(&settings.gpu_instance_type, catalog::names().map(str::to_owned)))
            .flatten();
        mistakes.push(Mistake { value, allowed, suggestion, ..Mistake::new(source, *name, problem) });
    }
    mistakes
}

const RULES: &[Rule] = &[
    Rule { looks_at: &["GPU_INSTANCE_TYPE"], find: known_type },
    Rule { looks_at: &["GPU_NUM_ENIS", "GPU_INSTANCE_TYPE"], find: efa_count },
    Rule { looks_at: &["GPU_DESIRED_SIZE", "GPU_MIN_SIZE"], find: least },
    Rule { looks_at: &["GPU_DESIRED_SIZE", "GPU_MAX_SIZE"], find: most },
    Rule { looks_at: &["GPU_MIN_SIZE", "GPU_MAX_SIZE"], find: least_and_most },
    Rule { looks_at: &["GPU_DATA_VOLUME_IOPS", "GPU_DATA_VOLUME_SIZE"], find: iops },
    Rule { looks_at: &["GPU_DATA_VOLUME_THROUGHPUT", "GPU_DATA_VOLUME_IOPS"], find: throughput },
    Rule { looks_at: &["GPU_SUBNET_B", "GPU_SUBNET_A", "GPU_SUBNET_C"], find: subnets_differ },
    Rule { looks_at: &["GPU_ZONE", "AWS_REGION"], find: zone_in_region },
    Rule { looks_at: &["GPU_ZONE", "GPU_NODE_GROUP_KIND"], find: self_managed_in_one_zone },
    Rule { looks_at: &["GPU_CAPACITY", "GPU_INSTANCE_TYPE"], find: capacity },
    Rule { looks_at: &["GPU_CAPACITY_RESERVATION_ID", "GPU_CAPACITY"], find: reservation },
    Rule { looks_at: &["GPU_SUBNET_B", "GPU_CAPACITY", "GPU_ZONE"], find: block_in_one_subnet },
    Rule { looks_at: &["GPU_SECURITY_GROUP", "CLUSTER_SECURITY_GROUP"], find: security_groups },
    Rule {
        looks_at: &["GPU_SECURITY_GROUP", "GPU_NODE_GROUP_KIND", "KUBERNETES_VERSION", "GPU_INSTANCE_TYPE"],
        find: efa_security_group,
    },
    Rule { looks_at: &["GPU_AMI_ID", "GPU_NODE_GROUP_KIND"], find: self_managed_image },
    Rule {
        looks_at: &["GPU_AMI_ID", "CLUSTER_ENDPOINT", "CLUSTER_CA", "CLUSTER_CIDR"],
        find: image_needs_cluster,
    },
    Rule { looks_at: &["AGENT_SHA256", "AGENT_URL"], find: agent },
    Rule { looks_at: &["EKS_REPAIR", "GPU_NODE_GROUP_KIND"], find: repair },
    Rule { looks_at: &["S3_CSI_BUCKETS", "INSTALL_S3_CSI"], find: buckets },
    Rule { looks_at: &["KARPENTER_VERSION", "INSTALL_KARPENTER", "GPU_INSTANCE_TYPE"], find: karpenter },
];

fn known_type(s: &Settings) -> Option<Wrong> {
    if s.instance_type().is_some() {
        return None;
    }
    let known: Vec<_> = catalog::names().collect();
    Some(("not in the catalogue".to_owned(), Some(known.join(", "))))
}

fn efa_count(s: &Settings) -> Option<Wrong> {
    let (wanted, kind) = (s.gpu_num_enis?, s.instance_type()?);
    (wanted > kind.efa_max).then(|| {
        (format!("{} has {} EFA interfaces", kind.name, kind.efa_max), Some(format!("0 to {}", kind.efa_max)))
    })
}

fn least(s: &Settings) -> Option<Wrong> {
    (s.gpu_desired_size < s.gpu_min_size).then(|| (format!("below GPU_MIN_SIZE = {}", s.gpu_min_size), None))
}

fn most(s: &Settings) -> Option<Wrong> {
    (s.gpu_desired_size > s.gpu_max_size).then(|| (format!("above GPU_MAX_SIZE = {}", s.gpu_max_size), None))
}

fn least_and_most(s: &Settings) -> Option<Wrong> {
    (s.gpu_min_size > s.gpu_max_size).then(|| (format!("above GPU_MAX_SIZE = {}", s.gpu_max_size), None))
}

/// 500 IOPS for each GiB: EBS User Guide, gp3.
fn iops(s: &Settings) -> Option<Wrong> {
    let Size::Gib(size) = s.gpu_data_volume_size else { return None };
    let most = size * 500;
    (s.gpu_data_volume_iops > most).then(|| {
        (format!("more than 500 for each of {size} GiB"), Some(format!("3000 to {}", most.min(80_000))))
    })
}

/// 0.25 MiB/s for each IOPS: EBS User Guide, gp3.
fn throughput(s: &Settings) -> Option<Wrong> {
    let Size::Gib(_) = s.gpu_data_volume_size else { return None };
    let most = s.gpu_data_volume_iops / 4;
    (s.gpu_data_volume_throughput > most).then(|| {
        let problem = format!("more than a quarter of GPU_DATA_VOLUME_IOPS = {}", s.gpu_data_volume_iops);
        (problem, Some(format!("125 to {}", most.min(2000))))
    })
}

fn subnets_differ(s: &Settings) -> Option<Wrong> {
    let subnets = s.gpu_subnets();
    let ids: BTreeSet<_> = subnets.iter().map(|(_, id)| id).collect();
    (ids.len() < subnets.len()).then(|| ("two of the GPU subnets are the same".to_owned(), None))
}

fn zone_in_region(s: &Settings) -> Option<Wrong> {
    let zone = s.gpu_zone.as_ref()?;
    (!zone.starts_with(&s.aws_region)).then(|| (format!("not in AWS_REGION = {}", s.aws_region), None))
}

fn self_managed_in_one_zone(s: &Settings) -> Option<Wrong> {
    let spread = s.gpu_node_group_kind == NodeGroupKind::SelfManaged && s.gpu_subnets().len() > 1;
    (spread && s.gpu_zone.is_none()).then(|| {
        let why = "must be set: the interfaces of a self-managed node spread over the GPU subnets, and all interfaces \
                   of an instance are in one zone; else leave GPU_SUBNET_B and GPU_SUBNET_C out";
        (why.to_owned(), None)
    })
}

fn capacity(s: &Settings) -> Option<Wrong> {
    let kind = s.instance_type()?;
    let class = match s.gpu_capacity {
        Capacity::OnDemand | Capacity::Reservation => UsageClass::OnDemand,
        Capacity::Spot => UsageClass::Spot,
        Capacity::CapacityBlock => UsageClass::CapacityBlock,
    };
    (!kind.usage.contains(&class)).then(|| (format!("{} is not sold so", kind.name), None))
}

fn reservation(s: &Settings) -> Option<Wrong> {
    match (s.gpu_capacity.reserved(), s.gpu_capacity_reservation_id.is_some()) {
        (true, false) => Some(("must be set with this GPU_CAPACITY".to_owned(), None)),
        (false, true) => Some((
            "means nothing with this GPU_CAPACITY: capacity-block or reservation is meant".to_owned(),
            None,
        )),
        _ => None,
    }
}

fn block_in_one_subnet(s: &Settings) -> Option<Wrong> {
    (s.gpu_capacity.reserved() && s.gpu_subnets().len() > 1 && s.gpu_zone.is_none()).then(|| {
        let why =
            "a reservation is in one zone: set GPU_ZONE if all GPU subnets are in it, else only GPU_SUBNET_A";
        (why.to_owned(), None)
    })
}

fn security_groups(s: &Settings) -> Option<Wrong> {
    (s.gpu_security_group.is_some() && s.cluster_security_group.is_none()).then(|| {
        let why =
            "needs CLUSTER_SECURITY_GROUP beside it: EKS adds that only where the template names no group";
        (why.to_owned(), None)
    })
}

fn efa_security_group(s: &Settings) -> Option<Wrong> {
    let efa = s.instance_type().is_some_and(|kind| kind.has_efa()) && s.gpu_num_enis != Some(0);
    (efa && s.gpu_security_group.is_none() && !s.cluster_group_allows_efa()).then(|| {
        let why = "must be set: only with managed groups, and from Kubernetes 1.33 on, does the cluster's own security \
                   group allow the traffic of EFA";
        (why.to_owned(), None)
    })
}

fn self_managed_image(s: &Settings) -> Option<Wrong> {
    (s.gpu_node_group_kind == NodeGroupKind::SelfManaged && s.gpu_ami_id.is_none())
        .then(|| ("must be set: a self-managed group has nobody who picks an image".to_owned(), None))
}

fn image_needs_cluster(s: &Settings) -> Option<Wrong> {
    s.gpu_ami_id.as_ref()?;
    let about = [
        ("CLUSTER_ENDPOINT", s.cluster_endpoint.is_none()),
        ("CLUSTER_CA", s.cluster_ca.is_none()),
        ("CLUSTER_CIDR", s.cluster_cidr.is_none()),
    ];
    let missing: Vec<_> = about.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect();
    (!missing.is_empty()).then(|| {
        (
            format!(
                "needs {}: with an image of one's own EKS adds nothing to the user data",
                missing.join(", ")
            ),
            None,
        )
    })
}

fn agent(s: &Settings) -> Option<Wrong> {
    (s.agent_url.is_some() != s.agent_sha256.is_some())
        .then(|| ("AGENT_URL and AGENT_SHA256 are set together or not at all".to_owned(), None))
}

fn repair(s: &Settings) -> Option<Wrong> {
    (s.eks_repair && s.gpu_node_group_kind == NodeGroupKind::SelfManaged)
        .then(|| ("EKS repairs nodes of managed groups only".to_owned(), None))
}

fn buckets(s: &Settings) -> Option<Wrong> {
    (!s.s3_csi_buckets.is_empty() && !s.install_s3_csi)
        .then(|| ("buckets without INSTALL_S3_CSI".to_owned(), None))
}

/// Without `networkInterfaces` Karpenter puts an `efa` interface on card 0, which these types refuse.
fn karpenter(s: &Settings) -> Option<Wrong> {
    let kind = s.instance_type()?;
    let refused = kind.has_efa() && kind.cards.first().is_some_and(|card| !card.supports(InterfaceKind::Efa));
    (s.install_karpenter && refused && !s.karpenter_says_interfaces()).then(|| {
        let why =
            format!("network card 0 of {} takes no EFA, and this Karpenter would put one there", kind.name);
        (why, Some("1.11.0 or newer".to_owned()))
    })
}
