//! Why something cannot be rendered.

use crate::launch_template::MakeError;
use crate::policies::PolicyError;
use crate::user_data::UserDataError;

/// Why something cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The launch template.
    #[error("launch template")]
    LaunchTemplate(#[from] MakeError),
    /// The user data.
    #[error("user data")]
    UserData(#[from] UserDataError),
    /// A policy.
    #[error("policies")]
    Policy(#[from] PolicyError),
    /// A fault of ours.
    #[error("gpunode's DaemonSet: {0}")]
    Daemonset(String),
    /// There is no id to write down.
    #[error(
        "{0} is for `installer gpu create`, which makes the group; files name one that is there: set {1} instead"
    )]
    MadeElsewhere(&'static str, &'static str),
    /// eksctl has no form for it.
    #[error(
        "eksctl makes self-managed groups from its own launch templates only, which place no interface in a subnet of \
         its own: use terraform or cloudformation, or GPU_NODE_GROUP_KIND=managed"
    )]
    EksctlSelfManaged,
    /// Nor for this.
    #[error(
        "eksctl cannot say of a group with a launch template of its own that it is bought as a capacity block, and EKS \
         refuses the group without that: use terraform or cloudformation"
    )]
    EksctlCapacityBlock,
}
