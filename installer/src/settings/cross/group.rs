//! The node group: sizes, subnets, how it is bought, security groups.

use std::collections::BTreeSet;

use gpunode_host::catalog::UsageClass;

use super::Wrong;
use crate::settings::{Capacity, NodeGroupKind, Settings};

pub(super) fn least(s: &Settings) -> Option<Wrong> {
    (s.gpu_desired_size < s.gpu_min_size).then(|| (format!("below GPU_MIN_SIZE = {}", s.gpu_min_size), None))
}

pub(super) fn most(s: &Settings) -> Option<Wrong> {
    (s.gpu_desired_size > s.gpu_max_size).then(|| (format!("above GPU_MAX_SIZE = {}", s.gpu_max_size), None))
}

pub(super) fn least_and_most(s: &Settings) -> Option<Wrong> {
    (s.gpu_min_size > s.gpu_max_size).then(|| (format!("above GPU_MAX_SIZE = {}", s.gpu_max_size), None))
}

pub(super) fn subnets_differ(s: &Settings) -> Option<Wrong> {
    let subnets = s.gpu_subnets();
    let ids: BTreeSet<_> = subnets.iter().map(|(_, id)| id).collect();
    (ids.len() < subnets.len()).then(|| ("two of the GPU subnets are the same".to_owned(), None))
}

pub(super) fn zone_in_region(s: &Settings) -> Option<Wrong> {
    let zone = s.gpu_zone.as_ref()?;
    (!zone.starts_with(&s.aws_region)).then(|| (format!("not in AWS_REGION = {}", s.aws_region), None))
}

pub(super) fn self_managed_in_one_zone(s: &Settings) -> Option<Wrong> {
    let spread = s.gpu_node_group_kind == NodeGroupKind::SelfManaged && s.gpu_subnets().len() > 1;
    (spread && s.gpu_zone.is_none()).then(|| {
        let why = "must be set: the interfaces of a self-managed node spread over the GPU subnets, and all interfaces \
                   of an instance are in one zone; else leave GPU_SUBNET_B and GPU_SUBNET_C out";
        (why.to_owned(), None)
    })
}

pub(super) fn capacity(s: &Settings) -> Option<Wrong> {
    let kind = s.instance_type()?;
    let class = match s.gpu_capacity {
        Capacity::OnDemand | Capacity::Reservation => UsageClass::OnDemand,
        Capacity::Spot => UsageClass::Spot,
        Capacity::CapacityBlock => UsageClass::CapacityBlock,
    };
    (!kind.usage.contains(&class)).then(|| (format!("{} is not sold so", kind.name), None))
}

pub(super) fn reservation(s: &Settings) -> Option<Wrong> {
    match (s.gpu_capacity.reserved(), s.gpu_capacity_reservation_id.is_some()) {
        (true, false) => Some(("must be set with this GPU_CAPACITY".to_owned(), None)),
        (false, true) => Some((
            "means nothing with this GPU_CAPACITY: capacity-block or reservation is meant".to_owned(),
            None,
        )),
        _ => None,
    }
}

pub(super) fn block_in_one_subnet(s: &Settings) -> Option<Wrong> {
    (s.gpu_capacity.reserved() && s.gpu_subnets().len() > 1 && s.gpu_zone.is_none()).then(|| {
        let why =
            "a reservation is in one zone: set GPU_ZONE if all GPU subnets are in it, else only GPU_SUBNET_A";
        (why.to_owned(), None)
    })
}

pub(super) fn security_groups(s: &Settings) -> Option<Wrong> {
    (s.gpu_security_group.is_some() && s.cluster_security_group.is_none()).then(|| {
        let why =
            "needs CLUSTER_SECURITY_GROUP beside it: EKS adds that only where the template names no group";
        (why.to_owned(), None)
    })
}

pub(super) fn efa_security_group(s: &Settings) -> Option<Wrong> {
    let efa = s.instance_type().is_some_and(|kind| kind.has_efa()) && s.gpu_num_enis != Some(0);
    let group = s.gpu_security_group.is_some() || s.gpu_create_security_group;
    (efa && !group && !s.cluster_group_allows_efa()).then(|| {
        let why = "must be set: only with managed groups, and from Kubernetes 1.33 on, does the cluster's own security \
                   group allow the traffic of EFA";
        (why.to_owned(), None)
    })
}

pub(super) fn one_security_group(s: &Settings) -> Option<Wrong> {
    (s.gpu_create_security_group && s.gpu_security_group.is_some())
        .then(|| ("means nothing beside GPU_SECURITY_GROUP".to_owned(), None))
}

pub(super) fn one_placement_group(s: &Settings) -> Option<Wrong> {
    let why = match s.gpu_create_placement_group {
        true if s.gpu_placement_group.is_some() => "means nothing beside GPU_PLACEMENT_GROUP",
        true if s.gpu_capacity == Capacity::CapacityBlock => "capacity blocks bring their own",
        true | false => return None,
    };
    Some((why.to_owned(), None))
}

pub(super) fn repair(s: &Settings) -> Option<Wrong> {
    (s.eks_repair && s.gpu_node_group_kind == NodeGroupKind::SelfManaged)
        .then(|| ("EKS repairs nodes of managed groups only".to_owned(), None))
}
