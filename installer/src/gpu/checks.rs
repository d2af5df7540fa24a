//! What has to be so before anything is made. Everything that is not is told at once.

use super::{Facts, Group, image, reservation, scaling_group};
use crate::layout;
use crate::settings::{NodeGroupKind, Settings};

/// Something that is not so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {what}")]
pub struct Problem {
    /// The setting that it is about.
    pub setting: &'static str,
    /// What it is, and what can be done.
    pub what: String,
}

/// Everything that is in the way of `groups`, in the order of the settings.
pub fn check(settings: &Settings, facts: &Facts, groups: &[Group]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut tell =
        |setting, what: Option<String>| problems.extend(what.map(|what| Problem { setting, what }));
    for (letter, id) in settings.gpu_subnets() {
        tell(subnet_setting(letter), subnet(settings, facts, id));
    }
    for name in &facts.other_kind {
        tell("GPU_NODE_GROUP_KIND", Some(other_kind(settings, name)));
    }
    for group in groups {
        tell("GPU_INSTANCE_TYPE", offered(settings, facts, group));
        tell("GPU_MAX_SIZE", addresses(settings, facts, group));
    }
    tell("GPU_SECURITY_GROUP", security_group(settings, facts));
    tell("GPU_PLACEMENT_GROUP", placement_group(settings, facts.placement.as_deref(), groups.len()));
    let image = image::wrong(settings, facts.image.as_ref()).into_iter();
    for (setting, what) in image.chain(reservation::wrong(settings, facts, groups)) {
        tell(setting, Some(what));
    }
    problems
}

fn other_kind(settings: &Settings, name: &str) -> String {
    let there = match settings.gpu_node_group_kind {
        NodeGroupKind::SelfManaged => format!("the managed node group {name} is there"),
        NodeGroupKind::Managed => {
            let group = scaling_group(&settings.cluster_name, name);
            format!("the self-managed node group {name} is there (Auto Scaling group {group})")
        }
    };
    format!("{there}: installer gpu delete removes it first")
}

fn subnet_setting(letter: char) -> &'static str {
    match letter {
        'a' => "GPU_SUBNET_A",
        'b' => "GPU_SUBNET_B",
        _ => "GPU_SUBNET_C",
    }
}

fn subnet(settings: &Settings, facts: &Facts, id: &str) -> Option<String> {
    let Some(subnet) = facts.subnets.iter().find(|subnet| subnet.id == id) else {
        return Some(format!("there is no subnet {id} in {}", settings.aws_region));
    };
    if subnet.vpc != settings.vpc_id {
        return Some(format!("{id} is in {}, not in VPC_ID = {}", subnet.vpc, settings.vpc_id));
    }
    let zone = settings.gpu_zone.as_ref().filter(|zone| **zone != subnet.zone)?;
    Some(format!("{id} is in {}, not in GPU_ZONE = {zone}", subnet.zone))
}

fn offered(settings: &Settings, facts: &Facts, group: &Group) -> Option<String> {
    // A subnet that is not there was told already.
    if group.zone.is_empty() || facts.offered.contains(&group.zone) {
        return None;
    }
    let name = &settings.gpu_instance_type;
    let mut zones = facts.offered.clone();
    zones.sort();
    let there = if zones.is_empty() { "in no zone of this region".to_owned() } else { zones.join(", ") };
    Some(format!(
        "{name} is not offered in {}, where {} would be; it is offered {there}",
        group.zone, group.name
    ))
}

/// Nodes that are there have their addresses. Each node of a managed group takes all of its from one subnet.
fn addresses(settings: &Settings, facts: &Facts, group: &Group) -> Option<String> {
    let kind = settings.instance_type()?;
    let interfaces = layout::interfaces(&kind, settings.gpu_efa_layout, settings.gpu_num_enis).ok()?;
    if settings.gpu_node_group_kind == NodeGroupKind::SelfManaged {
        return spread_addresses(settings, facts, group, &interfaces);
    }
    let each = interfaces.iter().filter(|interface| interface.has_address()).count().max(1) as u64;
    let now = facts.nodes.get(&group.name).copied().unwrap_or_default();
    let more = settings.gpu_max_size.saturating_sub(now);
    let subnets = facts.subnets.iter().filter(|subnet| group.subnets.contains(&subnet.id));
    let (mut fit, mut free) = (0, Vec::new());
    for subnet in subnets {
        fit += subnet.free / each;
        free.push(format!("{} in {}", subnet.free, subnet.id));
    }
    (fit < more && !free.is_empty()).then(|| {
        format!(
            "{} may grow by {more} nodes of {each} addresses each, and there is room for {fit}: {} free; take larger \
             subnets or a smaller size",
            group.name,
            free.join(", ")
        )
    })
}

/// The interfaces of a node of a self-managed group are each in a subnet of their own; each subnet must have room for its
/// part.
fn spread_addresses(
    settings: &Settings,
    facts: &Facts,
    group: &Group,
    interfaces: &[layout::Interface],
) -> Option<String> {
    // All in one zone, or that was told.
    let one = |id: &String| layout::Subnet { id: id.clone(), zone: group.zone.clone() };
    let subnets: Vec<_> = group.subnets.iter().map(one).collect();
    let places = layout::spread(&subnets, interfaces.len()).ok()?;
    let more =
        settings.gpu_max_size.saturating_sub(facts.nodes.get(&group.name).copied().unwrap_or_default());
    let mut short = Vec::new();
    for subnet in facts.subnets.iter().filter(|subnet| group.subnets.contains(&subnet.id)) {
        let here = interfaces
            .iter()
            .zip(&places)
            .filter(|(interface, place)| interface.has_address() && **place == subnet.id);
        let each = here.count() as u64;
        if subnet.free < each.saturating_mul(more) {
            short.push(format!("{each} in {}, which has {} free", subnet.id, subnet.free));
        }
    }
    (!short.is_empty()).then(|| {
        format!(
            "{} may grow by {more} nodes, and each takes addresses: {}; take larger subnets or a smaller size",
            group.name,
            short.join("; ")
        )
    })
}

fn security_group(settings: &Settings, facts: &Facts) -> Option<String> {
    let id = settings.gpu_security_group.as_ref()?;
    let Some(group) = &facts.efa_group else { return Some(format!("there is no security group {id}")) };
    if group.vpc != settings.vpc_id {
        return Some(format!("{id} is in {}, not in VPC_ID = {}", group.vpc, settings.vpc_id));
    }
    let efa = settings.instance_type().is_some_and(|kind| kind.has_efa()) && settings.gpu_num_enis != Some(0);
    (efa && group.itself != (true, true)).then(|| {
        format!("{id} does not allow all traffic from itself and to itself, without which EFA does not work")
    })
}

/// What speaks against the placement group that the settings name, by its strategy, where it is `there`, for so many groups.
pub(super) fn placement_group(settings: &Settings, there: Option<&str>, groups: usize) -> Option<String> {
    let name = settings.gpu_placement_group.as_ref()?;
    match there {
        None => Some(format!(
            "there is no placement group {name}; GPU_CREATE_PLACEMENT_GROUP=true makes one instead"
        )),
        Some("cluster") if groups > 1 => {
            Some(format!("{name} is in one zone, and there is a node group in each of {groups}"))
        }
        Some("cluster") => None,
        Some(other) => Some(format!("{name} is of the strategy {other}, not cluster")),
    }
}

#[cfg(test)]
mod tests;
