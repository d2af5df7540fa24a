//! Which node groups there are: EFA does not cross zones, and an instance is in one.

use super::Subnet;
use crate::settings::Settings;

/// One node group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The zone of its nodes; empty where nobody looked.
    pub zone: String,
    /// Where its nodes are, all in that zone.
    pub subnets: Vec<String>,
}

/// Why there are none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the GPU subnets are in several zones ({0}): all interfaces of an instance are in one zone, and EFA does not cross \
     zones; --per-az makes a node group for each zone, or leave the subnets of all zones but one out"
)]
pub struct GroupsError(String);

/// One group for all subnets where they are in one zone; else, with `per_az`, one for each zone, named by the letter of
/// its first subnet as rendered files have it.
pub fn groups(settings: &Settings, subnets: &[Subnet], per_az: bool) -> Result<Vec<Group>, GroupsError> {
    let name = &settings.gpu_node_group_name;
    let mut groups: Vec<Group> = Vec::new();
    for (letter, id) in settings.gpu_subnets() {
        let zone = subnets.iter().find(|subnet| subnet.id == id).map_or("", |subnet| subnet.zone.as_str());
        match groups.iter_mut().find(|group| group.zone == zone) {
            Some(group) => group.subnets.push(id.to_owned()),
            None => groups.push(Group {
                name: format!("{name}-{letter}"),
                zone: zone.to_owned(),
                subnets: vec![id.to_owned()],
            }),
        }
    }
    if let [only] = groups.as_mut_slice() {
        only.name.clone_from(name);
    } else if !per_az {
        let each = groups.iter().map(|group| format!("{} in {}", group.subnets.join(", "), group.zone));
        return Err(GroupsError(each.collect::<Vec<_>>().join("; ")));
    }
    Ok(groups)
}

/// The name of a group's Auto Scaling group where it is self-managed; its template and placement group are called so, too.
/// Such names are an account's, and a node group's are a cluster's.
pub fn scaling_group(cluster: &str, group: &str) -> String {
    format!("{cluster}-{group}")
}

/// Every group that some earlier settings can have made.
pub fn candidates(settings: &Settings) -> Vec<Group> {
    let name = &settings.gpu_node_group_name;
    let names = std::iter::once(name.clone()).chain(['a', 'b', 'c'].map(|letter| format!("{name}-{letter}")));
    names.map(|name| Group { name, zone: String::new(), subnets: Vec::new() }).collect()
}
