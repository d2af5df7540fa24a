//! What single values cannot say: settings that must fit each other, and the instance type.

mod group;
mod nodes;

use std::collections::BTreeSet;

use gpunode_host::catalog;
use gpunode_host::spec::settings::nearest;
use gpunode_host::spec::{Mistake, Row, Source};

use super::Settings;

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
    Rule { looks_at: &["GPU_INSTANCE_TYPE"], find: nodes::known_type },
    Rule { looks_at: &["GPU_NUM_ENIS", "GPU_INSTANCE_TYPE"], find: nodes::efa_count },
    Rule { looks_at: &["GPU_DESIRED_SIZE", "GPU_MIN_SIZE"], find: group::least },
    Rule { looks_at: &["GPU_DESIRED_SIZE", "GPU_MAX_SIZE"], find: group::most },
    Rule { looks_at: &["GPU_MIN_SIZE", "GPU_MAX_SIZE"], find: group::least_and_most },
    Rule { looks_at: &["GPU_DATA_VOLUME_IOPS", "GPU_DATA_VOLUME_SIZE"], find: nodes::iops },
    Rule { looks_at: &["GPU_DATA_VOLUME_THROUGHPUT", "GPU_DATA_VOLUME_IOPS"], find: nodes::throughput },
    Rule { looks_at: &["GPU_SUBNET_B", "GPU_SUBNET_A", "GPU_SUBNET_C"], find: group::subnets_differ },
    Rule { looks_at: &["GPU_ZONE", "AWS_REGION"], find: group::zone_in_region },
    Rule { looks_at: &["GPU_ZONE", "GPU_NODE_GROUP_KIND"], find: group::self_managed_in_one_zone },
    Rule { looks_at: &["GPU_CAPACITY", "GPU_INSTANCE_TYPE"], find: group::capacity },
    Rule { looks_at: &["GPU_CAPACITY_RESERVATION_ID", "GPU_CAPACITY"], find: group::reservation },
    Rule { looks_at: &["GPU_SUBNET_B", "GPU_CAPACITY", "GPU_ZONE"], find: group::block_in_one_subnet },
    Rule { looks_at: &["GPU_SECURITY_GROUP", "CLUSTER_SECURITY_GROUP"], find: group::security_groups },
    Rule {
        looks_at: &["GPU_SECURITY_GROUP", "GPU_NODE_GROUP_KIND", "KUBERNETES_VERSION", "GPU_INSTANCE_TYPE"],
        find: group::efa_security_group,
    },
    Rule { looks_at: &["GPU_CREATE_SECURITY_GROUP", "GPU_SECURITY_GROUP"], find: group::one_security_group },
    Rule {
        looks_at: &["GPU_CREATE_PLACEMENT_GROUP", "GPU_PLACEMENT_GROUP", "GPU_CAPACITY"],
        find: group::one_placement_group,
    },
    Rule { looks_at: &["GPU_AMI_ID", "GPU_NODE_GROUP_KIND"], find: nodes::self_managed_image },
    Rule { looks_at: &["GPU_ROOT_DEVICE", "GPU_AMI_ID"], find: nodes::root_device },
    Rule {
        looks_at: &["GPU_AMI_ID", "CLUSTER_ENDPOINT", "CLUSTER_CA", "CLUSTER_CIDR"],
        find: nodes::image_needs_cluster,
    },
    Rule { looks_at: &["NVIDIA_DRIVER_VERSION", "GPU_INSTANCE_TYPE"], find: nodes::driver },
    Rule { looks_at: &["AGENT_SHA256", "AGENT_URL"], find: nodes::agent },
    Rule { looks_at: &["GPU_DEVICES", "KUBERNETES_VERSION"], find: nodes::devices },
    Rule { looks_at: &["EKS_REPAIR", "GPU_NODE_GROUP_KIND"], find: group::repair },
    Rule { looks_at: &["DAEMONSET_IMAGE", "INSTALL_GPUNODE_DAEMONSET"], find: nodes::daemonset_image },
    Rule {
        looks_at: &["INSTALL_GPUNODE_DAEMONSET", "KUBERNETES_VERSION"],
        find: nodes::daemonset_kubernetes,
    },
    Rule { looks_at: &["S3_CSI_BUCKETS", "INSTALL_S3_CSI"], find: nodes::buckets },
    Rule {
        looks_at: &["KARPENTER_VERSION", "INSTALL_KARPENTER", "GPU_INSTANCE_TYPE", "GPU_DEVICES"],
        find: nodes::karpenter,
    },
    Rule {
        looks_at: &["KARPENTER_VERSION", "INSTALL_KARPENTER", "KUBERNETES_VERSION"],
        find: nodes::karpenter_kubernetes,
    },
];
