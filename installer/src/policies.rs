//! IAM policies and the roles that carry them. Each policy is a file in `installer/policies` with places for what is
//! known only here: `@CLUSTER@`, `@ACCOUNT@` and so on.

mod caller;
mod fill;
mod roles;
#[cfg(test)]
mod tests;

pub use caller::{CALLER, caller};
pub use fill::{Places, minified};
pub use roles::{ROLES, Role, gpu_node_role, karpenter_node_role, node_group_role, policy_name};

use serde_json::Value;

macro_rules! policies {
    ($($name:literal),+ $(,)?) => {
        /// Name and text of every file.
        pub const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../policies/", $name, ".json")))),+];
    };
}

policies![
    "cluster-autoscaler",
    "ebs-csi",
    "ec2-trust",
    "efs-csi",
    "fsx-csi",
    "installer-cluster",
    "installer-gpu",
    "installer-iam",
    "karpenter-eks-integration",
    "karpenter-iam-integration",
    "karpenter-interruption",
    "karpenter-node-lifecycle",
    "karpenter-queue",
    "karpenter-resource-discovery",
    "karpenter-zonal-shift",
    "load-balancer-controller",
    "load-balancer-controller-look",
    "pod-identity-trust",
    "s3-csi",
];

/// Why a policy cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// No file of this name.
    #[error("there is no policy {0}")]
    Unknown(String),
    /// A file that is not JSON.
    #[error("the policy {name} is not JSON")]
    Json {
        /// Its name.
        name: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A place that nothing is known for.
    #[error("the policy {name} needs {place}: set {setting}")]
    Missing {
        /// Its name.
        name: String,
        /// The place.
        place: String,
        /// The setting that fills it.
        setting: &'static str,
    },
}

/// The policy `name` with `places` filled in.
pub fn policy(name: &str, places: &Places) -> Result<Value, PolicyError> {
    fill::fill(name, read(name)?, places)
}

/// The policy `name` with its places open.
fn read(name: &str) -> Result<Value, PolicyError> {
    let (_, text) = FILES
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| PolicyError::Unknown(name.to_owned()))?;
    serde_json::from_str(text).map_err(|source| PolicyError::Json { name: name.to_owned(), source })
}
