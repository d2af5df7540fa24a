//! What every form has: node groups, add-ons, the interruption queue's rules.

use gpunode_host::catalog::Architecture;
use serde_json::{Value, json};

use crate::launch_template::OWNER_TAG;
use crate::settings::{Capacity, NodeGroupKind, Settings};

/// One node group.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NodeGroup<'a> {
    /// Its name.
    pub(super) name: String,
    /// Where its nodes are.
    pub(super) subnets: Vec<&'a str>,
}

/// EFA does not cross zones, and which zone a subnet is in only AWS knows: a group of one subnet is in one zone in any
/// case. Where the settings say that all subnets are in one zone, there is one group.
pub(super) fn node_groups(settings: &Settings) -> Vec<NodeGroup<'_>> {
    let name = &settings.gpu_node_group_name;
    let subnets = settings.gpu_subnets();
    // The template of a self-managed group names the subnet of every interface; the group itself has the primary's.
    if settings.gpu_node_group_kind == NodeGroupKind::SelfManaged {
        let primary = vec![settings.gpu_subnet_a.as_str()];
        return vec![NodeGroup { name: name.clone(), subnets: primary }];
    }
    if subnets.len() == 1 || settings.gpu_zone.is_some() {
        let all = subnets.into_iter().map(|(_, id)| id).collect();
        return vec![NodeGroup { name: name.clone(), subnets: all }];
    }
    let one = |(letter, id)| NodeGroup { name: format!("{name}-{letter}"), subnets: vec![id] };
    subnets.into_iter().map(one).collect()
}

/// EKS's name of the image.
pub(crate) fn ami_type(settings: &Settings) -> &'static str {
    match settings.instance_type().map(|kind| kind.arch) {
        Some(Architecture::Arm64) => "AL2023_ARM_64_NVIDIA",
        Some(Architecture::X86_64) | None => "AL2023_x86_64_NVIDIA",
    }
}

/// EKS's word for how instances are bought.
pub(crate) fn capacity_type(settings: &Settings) -> &'static str {
    match settings.gpu_capacity {
        Capacity::OnDemand | Capacity::Reservation => "ON_DEMAND",
        Capacity::Spot => "SPOT",
        Capacity::CapacityBlock => "CAPACITY_BLOCK",
    }
}

/// Labels of GPU nodes; those that the agent adds by itself among them, so that a group of no nodes is known to have
/// them. For managed groups see [`GROUP_LABELS`].
pub(crate) const LABELS: [(&str, &str); 2] = [("eks.amazonaws.com/compute-type", "gpu"), GROUP_LABELS[0]];

/// Those that EKS takes for a managed group: none with `kubernetes.io/`, `k8s.io/` or `eks.amazonaws.com/` before it
/// (aws/containers-roadmap issue 1451); the agent has the kubelet set the other one.
pub(crate) const GROUP_LABELS: [(&str, &str); 1] = [("nvidia.com/gpu", "true")];

/// Managed policies of a node's role. Source: Karpenter's getting-started template; EKS User Guide, node role.
pub(crate) const NODE_POLICIES: [&str; 4] = [
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonSSMManagedInstanceCore",
];

/// ARNs of [`NODE_POLICIES`].
pub(crate) fn node_policy_arns(settings: &Settings) -> Vec<String> {
    let partition = settings.partition();
    NODE_POLICIES.iter().map(|name| format!("arn:{partition}:iam::aws:policy/{name}")).collect()
}

/// An EKS add-on and what it is told.
pub(crate) struct Addon {
    pub(crate) name: &'static str,
    pub(crate) configuration: Option<Value>,
    /// Whether the settings ask for it.
    pub(crate) wanted: bool,
}

/// The add-ons that the settings ask for.
pub(super) fn addons(settings: &Settings) -> Vec<Addon> {
    all_addons(settings).into_iter().filter(|addon| addon.wanted).collect()
}

/// Every add-on.
pub(crate) fn all_addons(settings: &Settings) -> Vec<Addon> {
    let cluster = &settings.cluster_name;
    let addon = |wanted, name, configuration| Addon { name, configuration, wanted };
    // With it the driver puts `kubernetes.io/cluster/<cluster>=owned` on volumes; its policy lets it touch no other.
    let ebs = json!({ "controller": { "k8sTagClusterId": cluster } });
    // The same for this driver, which knows no cluster.
    let fsx = json!({ "controller": { "extraTags": { OWNER_TAG: cluster } } });
    vec![
        addon(true, "eks-pod-identity-agent", None),
        addon(true, "aws-ebs-csi-driver", Some(ebs)),
        addon(settings.install_efs_csi, "aws-efs-csi-driver", None),
        addon(settings.install_fsx_csi, "aws-fsx-csi-driver", Some(fsx)),
        addon(settings.install_s3_csi, "aws-mountpoint-s3-csi-driver", None),
    ]
}

/// Name, source and detail type of the events that Karpenter's queue gets.
pub(crate) const EVENTS: [(&str, &str, &str); 5] = [
    ("health", "aws.health", "AWS Health Event"),
    ("spot-interruption", "aws.ec2", "EC2 Spot Instance Interruption Warning"),
    ("rebalance", "aws.ec2", "EC2 Instance Rebalance Recommendation"),
    ("state-change", "aws.ec2", "EC2 Instance State-change Notification"),
    ("capacity-reservation", "aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning"),
];

/// Tags of everything that is made.
pub(super) fn tags(settings: &Settings) -> [(&'static str, &str); 1] {
    [(OWNER_TAG, settings.cluster_name.as_str())]
}

/// `karpenter-node-lifecycle` as `KarpenterNodeLifecycle`.
pub(super) fn camel(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
            .unwrap_or_default()
    };
    name.split(['-', '_']).map(word).collect()
}

/// Names of EventBridge rules have 64 characters at most.
pub(crate) fn rule_name(cluster: &str, event: &str) -> String {
    let room = 64 - "-karpenter-".len() - event.len();
    let start: String = cluster.chars().take(room).collect();
    format!("{start}-karpenter-{event}")
}
