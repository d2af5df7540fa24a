//! The settings of a node: one table. Parsing, names of variables, suggestions, `config show`, the reference and
//! the example file are made from it.

mod find;
mod table;

pub use find::nearest;
pub(crate) use find::{Found, find, is_section, nearest_path, nearest_variable};
pub use table::ALL;

use super::kind::Kind;

/// One setting.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Path in TOML, dotted.
    pub path: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// As one would write it in a variable; none where it is not set by default.
    pub default: Option<&'static str>,
    /// The operator's name for it in `.env`, accepted beside [`Setting::variable`], which wins.
    pub operator_variable: Option<&'static str>,
    /// What it is, in one sentence.
    pub about: &'static str,
}

/// Prefix of the variables that are ours.
pub const VARIABLE_PREFIX: &str = "GPUNODE_";

/// Variables with our prefix that are not settings: the programs' own switches.
pub const OTHER_VARIABLES: &[&str] = &["GPUNODE_AGENT", "GPUNODE_LOG", "GPUNODE_ROOT"];

/// Names of the operator's `.env` that are about the cluster, not the node. They are accepted and mean nothing
/// here.
pub const CLUSTER_VARIABLES: &[&str] = &[
    "GPU_DATA_VOLUME_SIZE",
    "GPU_DESIRED_SIZE",
    "GPU_MAX_SIZE",
    "GPU_MIN_SIZE",
    "GPU_NODE_GROUP_NAME",
    "GPU_ROOT_VOLUME_SIZE",
    "GPU_SUBNET_A",
    "GPU_SUBNET_B",
    "GPU_SUBNET_C",
    "INSTALL_EFS_CSI",
    "INSTALL_FSX_CSI",
    "INSTALL_IO2_STORAGECLASS",
    "INSTALL_KARPENTER",
    "INSTALL_S3_CSI",
    "IO2_IOPS",
    "KARPENTER_VERSION",
    "PRIVATE_SUBNET_A",
    "PRIVATE_SUBNET_B",
    "PRIVATE_SUBNET_C",
    "VPC_ID",
];

impl Setting {
    /// Its variable: `dataVolumes.mountPath` is `GPUNODE_DATA_VOLUMES_MOUNT_PATH`, `limits.hugepages2Mi` is
    /// `GPUNODE_LIMITS_HUGEPAGES_2MI`.
    pub fn variable(&self) -> String {
        let mut name = VARIABLE_PREFIX.to_owned();
        let mut after_digit = false;
        for letter in self.path.chars() {
            let digit = letter.is_ascii_digit();
            let word_begins = (digit || letter.is_ascii_uppercase()) && !after_digit;
            if word_begins {
                name.push('_');
            }
            name.push(if letter == '.' { '_' } else { letter.to_ascii_uppercase() });
            after_digit = digit;
        }
        name
    }
}
