//! The Auto Scaling group of a self-managed node group.

use std::collections::BTreeMap;

use super::sizes;
use crate::gpu::{Group, scaling_group};
use crate::render::parts;
use crate::settings::Settings;
use crate::things::{ScalingGroup, Template};

/// The primary interface is in A; the template says where the others are. The tags are those that Cluster Autoscaler finds
/// groups by, and by which it knows a node before there is one. Source: Cluster Autoscaler on AWS, "Auto-discovery setup".
pub(super) fn group(settings: &Settings, group: &Group, template: Template) -> ScalingGroup {
    let cluster = &settings.cluster_name;
    let node = |what: &str| format!("k8s.io/cluster-autoscaler/node-template/{what}");
    let mut tags = BTreeMap::from([
        (format!("kubernetes.io/cluster/{cluster}"), "owned".to_owned()),
        (format!("k8s.io/cluster-autoscaler/{cluster}"), "owned".to_owned()),
        ("k8s.io/cluster-autoscaler/enabled".to_owned(), "true".to_owned()),
        (node("taint/nvidia.com/gpu"), "true:NoSchedule".to_owned()),
    ]);
    tags.extend(
        parts::LABELS.iter().map(|(name, value)| (node(&format!("label/{name}")), (*value).to_owned())),
    );
    let efa = template.launched.interfaces.iter().filter(|placed| placed.interface.is_efa()).count();
    // With DRA a node has no such resource.
    if efa > 0 && !settings.uses_dra() {
        tags.insert(node("resources/vpc.amazonaws.com/efa"), efa.to_string());
    }
    ScalingGroup {
        name: scaling_group(cluster, &group.name),
        subnets: group.subnets.iter().take(1).cloned().collect(),
        sizes: sizes(settings),
        tags,
        owner: template.owner.clone(),
        template,
    }
}
