//! Node pools.

use serde_json::{Value, json};

use super::{POOL, object};
use crate::render::parts;
use crate::settings::Settings;

/// Nodes without GPUs: at most so many processors in each pool.
const CPU_LIMIT: u64 = 1000;

fn pool(name: &str, spec: Value) -> Value {
    object(POOL, name, spec)
}

fn requirement(key: &str, values: &[&str]) -> Value {
    json!({ "key": key, "operator": "In", "values": values })
}

fn reference(class: &str) -> Value {
    json!({ "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": class })
}

pub(super) fn general_pool(arch: &str) -> Value {
    // What runs on either takes the cheaper; arm64 only where a pod allows it, so amd64 comes first.
    let weight = if arch == "amd64" { 10 } else { 5 };
    pool(
        arch,
        json!({
            "template": { "spec": {
                "nodeClassRef": reference("general"),
                "expireAfter": "720h",
                "requirements": [
                    requirement("kubernetes.io/arch", &[arch]),
                    requirement("kubernetes.io/os", &["linux"]),
                    requirement("karpenter.sh/capacity-type", &["on-demand", "spot"]),
                    requirement("karpenter.k8s.aws/instance-category", &["c", "m", "r"]),
                ],
            } },
            "disruption": { "consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "5m" },
            "limits": { "cpu": CPU_LIMIT },
            "weight": weight,
        }),
    )
}

/// A GPU node is never taken from under its pods: jobs on it have no other place. Karpenter replaces a node whose image or class
/// has changed, also by a new release of Amazon Linux's, unless a budget says that none may go for that reason (Karpenter,
/// "Disruption"); one that has become empty goes, and what comes then is new.
pub(super) fn gpu_pool(settings: &Settings, capacity: &str, weight: u64) -> Value {
    let gpus = settings.instance_type().map_or(0, |kind| u64::from(kind.gpu_count()));
    let labels: serde_json::Map<_, _> =
        parts::LABELS.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    // A block or a reservation is what Karpenter calls reserved.
    let bought =
        if settings.gpu_capacity.reserved() && capacity == "on-demand" { "reserved" } else { capacity };
    pool(
        &format!("gpu-{capacity}"),
        json!({
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "nodeClassRef": reference("gpu"),
                    "expireAfter": "Never",
                    "taints": [{ "key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule" }],
                    "requirements": [
                        requirement("node.kubernetes.io/instance-type", &[settings.gpu_instance_type.as_str()]),
                        requirement("karpenter.sh/capacity-type", &[bought]),
                    ],
                },
            },
            "disruption": {
                "consolidationPolicy": "WhenEmpty",
                "consolidateAfter": "10m",
                "budgets": [{ "nodes": "10%" }, { "nodes": "0", "reasons": ["Drifted", "Underutilized"] }],
            },
            "limits": { "nvidia.com/gpu": gpus * settings.gpu_max_size },
            "weight": weight,
        }),
    )
}
