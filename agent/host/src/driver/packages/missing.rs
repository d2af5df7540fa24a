//! What is not offered.

use super::Purpose;
use crate::versions::Version;

/// What is not offered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The version, or any of the branch.
    #[error("no repository offers the NVIDIA driver {wanted}{}", offers(.offered))]
    Version {
        /// What was asked for.
        wanted: String,
        /// The versions that are offered, newest first.
        offered: Vec<String>,
    },
    /// Modules that are built already.
    #[error("no repository offers modules of the NVIDIA driver {wanted} that are built for the kernel {kernel}{}", offers(.offered))]
    Prebuilt {
        /// What was asked for.
        wanted: String,
        /// The kernel.
        kernel: String,
        /// The versions that are offered, newest first.
        offered: Vec<String>,
    },
    /// A package that goes with the driver.
    #[error("no repository offers {} {version}", .names.join(" or "))]
    Package {
        /// Its possible names.
        names: Vec<String>,
        /// The version it has to have; empty where any will do.
        version: String,
    },
}

impl Missing {
    /// None of the versions that are offered is wanted.
    pub(super) fn version(purpose: &Purpose, mut offered: Vec<Version>) -> Self {
        offered.sort();
        offered.dedup();
        let wanted = purpose.wanted.to_string();
        let offered = offered.iter().rev().map(ToString::to_string).collect();
        if purpose.build {
            Self::Version { wanted, offered }
        } else {
            Self::Prebuilt { wanted, kernel: purpose.kernel.clone(), offered }
        }
    }
}

/// The newest five, for a message.
fn offers(offered: &[String]) -> String {
    if offered.is_empty() {
        return ", nor any other".to_owned();
    }
    let shown = &offered[..offered.len().min(5)];
    let more = offered.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("; there are {}{more}", shown.join(", "))
}
