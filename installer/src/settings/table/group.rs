//! The GPU node group: its kind, sizes, subnets, how it is bought.

use gpunode_host::spec::Kind;
use gpunode_host::spec::Kind::Boolean;
use gpunode_host::spec::form::aws;

use super::Preset::{Is, None, Same};
use super::{Setting, range, setting, text};
use crate::settings::choices::{Capacity, NodeGroupKind};
use crate::settings::form;

pub(super) const SETTINGS: &[Setting] = &[
    setting("GPU_INSTANCE_TYPE", text(&aws::INSTANCE_TYPE), Is("p5en.48xlarge"), "Instance type."),
    setting("GPU_NODE_GROUP_NAME", text(&form::NODE_GROUP), Is("gpu-compute"), "Name of the node group."),
    setting(
        "GPU_NODE_GROUP_KIND",
        Kind::Choice(NodeGroupKind::WORDS),
        Is("managed"),
        "Who runs the group: EKS, or an Auto Scaling group of your own, which may place each interface of a node in a subnet of its own.",
    ),
    setting("GPU_MIN_SIZE", range(0, 1000), Is("0"), "Least nodes."),
    setting("GPU_DESIRED_SIZE", range(0, 1000), Is("0"), "Nodes at the beginning."),
    setting("GPU_MAX_SIZE", range(1, 1000), Is("10"), "Most nodes."),
    setting(
        "GPU_SUBNET_A",
        text(&form::SUBNET),
        Same("PRIVATE_SUBNET_A"),
        "Subnet of the nodes. There is one node group for each GPU subnet, because EFA does not cross zones, unless GPU_ZONE is set.",
    ),
    setting("GPU_SUBNET_B", text(&form::SUBNET), Same("PRIVATE_SUBNET_B"), "Another one."),
    setting("GPU_SUBNET_C", text(&form::SUBNET), Same("PRIVATE_SUBNET_C"), "And another one."),
    setting(
        "GPU_ZONE",
        text(&form::ZONE),
        None,
        "The zone that all GPU subnets are in; they then serve one node group together.",
    ),
    setting(
        "GPU_SECURITY_GROUP",
        text(&form::SECURITY_GROUP),
        None,
        "Security group that allows all traffic in and out to itself, which EFA needs.",
    ),
    setting(
        "GPU_CREATE_SECURITY_GROUP",
        Boolean,
        Is("false"),
        "Whether `installer gpu create` makes such a group; instead of GPU_SECURITY_GROUP.",
    ),
    setting("GPU_CAPACITY", Kind::Choice(Capacity::WORDS), Is("on-demand"), "How the instances are bought."),
    setting(
        "GPU_CAPACITY_RESERVATION_ID",
        text(&form::RESERVATION),
        None,
        "The capacity block or reservation.",
    ),
    setting(
        "GPU_PLACEMENT_GROUP",
        text(&form::NODE_GROUP),
        None,
        "An existing cluster placement group; capacity blocks bring their own.",
    ),
    setting(
        "GPU_CREATE_PLACEMENT_GROUP",
        Boolean,
        Is("false"),
        "Whether `installer gpu create` makes one for each node group; instead of GPU_PLACEMENT_GROUP.",
    ),
];
