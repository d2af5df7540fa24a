//! The Auto Scaling group of a self-managed node group.

use super::sizes;
use crate::gpu::{Group, scaling_group};
use crate::render::autoscaler;
use crate::settings::Settings;
use crate::things::{ScalingGroup, Template};

/// The primary interface is in A; the template says where the others are.
pub(super) fn group(settings: &Settings, group: &Group, template: Template) -> ScalingGroup {
    ScalingGroup {
        name: scaling_group(&settings.cluster_name, &group.name),
        subnets: group.subnets.iter().take(1).cloned().collect(),
        sizes: sizes(settings),
        tags: autoscaler::own_tags(settings),
        owner: template.owner.clone(),
        template,
    }
}
