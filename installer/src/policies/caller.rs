//! What whoever runs the installer must be allowed, by the same settings as everything else. It is in several policies, as
//! one has 6144 characters at most.

use serde_json::Value;

use super::{Places, PolicyError, fill, read};
use crate::settings::{NodeGroupKind, Settings};

/// Names of the files.
pub const CALLER: [&str; 3] = ["installer-cluster", "installer-gpu", "installer-iam"];

/// Whether some settings need a statement.
type Wanted = fn(&Settings) -> bool;

/// Statements that only some settings need, by their `Sid`. What is looked at is always among the others: `apply` also
/// removes what earlier settings asked for, and has to look for it.
const ONLY: [(&str, Wanted); 16] = [
    ("CreateAccessEntries", entries),
    ("DeleteAccessEntries", entries),
    ("KarpenterQueue", |settings| settings.install_karpenter),
    ("KarpenterRules", |settings| settings.install_karpenter),
    ("LookAtBuckets", |settings| !settings.s3_csi_buckets.is_empty()),
    ("LookAtReservations", |settings| settings.gpu_capacity.reserved()),
    ("CreateNodeGroups", |settings| !own(settings)),
    ("NodeGroups", |settings| !own(settings)),
    ("CreateSecurityGroup", |settings| settings.gpu_create_security_group),
    ("CreateSecurityGroupInVpc", |settings| settings.gpu_create_security_group),
    ("SecurityGroup", |settings| settings.gpu_create_security_group),
    ("CreatePlacementGroups", |settings| settings.gpu_create_placement_group),
    ("PlacementGroups", |settings| settings.gpu_create_placement_group),
    ("InstanceProfile", own),
    // An image of one's own, without which no group is self-managed; a statement each would be too long for IAM.
    ("LookAtOwn", |settings| settings.gpu_ami_id.is_some()),
    ("ScalingGroups", own),
];

fn own(settings: &Settings) -> bool {
    settings.gpu_node_group_kind == NodeGroupKind::SelfManaged
}

fn entries(settings: &Settings) -> bool {
    settings.install_karpenter || own(settings)
}

/// The policy `name` of [`CALLER`], with the statements that `settings` need.
pub fn caller(name: &str, settings: &Settings) -> Result<Value, PolicyError> {
    let mut policy = read(name)?;
    if let Some(statements) = policy["Statement"].as_array_mut() {
        statements.retain(|statement| is_wanted(statement["Sid"].as_str().unwrap_or_default(), settings));
    }
    fill::fill(name, policy, &Places::of(settings).for_caller(settings))
}

fn is_wanted(sid: &str, settings: &Settings) -> bool {
    let only = ONLY.iter().find(|(name, _)| *name == sid);
    only.is_none_or(|(_, wanted)| wanted(settings))
}

#[cfg(test)]
mod tests;
