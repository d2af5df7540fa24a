//! What was decided, and why nothing could be.

use crate::versions::Version;

use super::flavour::{Choice, Modules, OPEN_ONLY_FROM};
use super::{Fabric, State, Undriven, User, fabric};

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// About the driver itself.
    pub driver: Action,
    /// What the NVSwitches want.
    pub fabric: Fabric,
    /// The fabric manager has to be installed anew, in the version of the driver that is there.
    pub fix_fabric: bool,
    /// The container toolkit has to be installed.
    pub toolkit: bool,
    /// The modules have to be loaded.
    pub load: bool,
    /// What is not as wanted, and is left so.
    pub notes: Vec<Note>,
}

impl Plan {
    /// The same where nothing but the driver itself can be had: what goes with it is told where it is wrong, and not
    /// promised.
    #[must_use]
    pub fn without_packages(mut self, state: &State) -> Self {
        let driver = state.loaded.as_ref().map(|driver| &driver.found.version).or(state.installed.as_ref());
        if let Some(driver) = driver.filter(|_| self.fix_fabric) {
            self.notes.push(fabric::note(driver, state));
        }
        self.fix_fabric = false;
        self.toolkit = false;
        self
    }
}

/// What is done about the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is there.
    Keep,
    /// It is installed.
    Install(Choice),
    /// It is installed instead of another version, which is taken out of the kernel first.
    Replace {
        /// What is there.
        from: Version,
        /// What is installed.
        choice: Choice,
    },
}

/// Something that is not as wanted, and is left so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Another version than the wanted one is there.
    Version {
        /// What is there.
        found: Version,
        /// Who has a GPU open, and keeps it from being replaced.
        users: Vec<User>,
    },
    /// The modules that are loaded are of the other build.
    Flavour {
        /// What the GPU should have.
        wanted: Modules,
    },
    /// NVLink goes on outside the instance, and what that takes is not done here.
    UltraServer,
    /// The fabric manager is absent, or not of the driver's version.
    Fabric {
        /// The version it has, where it is there and tells.
        found: Option<Version>,
        /// The driver's version.
        driver: Version,
    },
    /// NVLink's subnet manager is absent.
    SubnetManager,
}

/// Why nothing can be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `nvidia.install = "never"`.
    #[error("no NVIDIA driver is installed, and nvidia.install = \"never\" lets none be installed")]
    Never,
    /// A distribution that is not known.
    #[error(
        "no NVIDIA driver is installed, and none can be installed on {0}: that is done on Amazon Linux 2023 and Ubuntu 22.04 and 24.04"
    )]
    Platform(String),
    /// A fraction of a GPU.
    #[error("a fraction of a GPU needs NVIDIA's GRID driver, which is in no public repository")]
    Grid,
    /// GPUs that have no driver in common.
    #[error(
        "Blackwell GPUs take only the open kernel modules, and GPUs before Turing only the closed ones: no driver drives both"
    )]
    MixedGpus,
    /// The closed modules for a GPU that only the open ones drive.
    #[error("nvidia.flavour = \"proprietary\", but only the open kernel modules drive Blackwell")]
    OpenOnly,
    /// The open modules for a GPU that only the closed ones drive.
    #[error("nvidia.flavour = \"open\", but only the closed kernel modules drive GPUs before Turing")]
    ClosedOnly,
    /// The closed modules of a branch that has none.
    #[error(
        "nvidia.flavour = \"proprietary\", but driver branch {0} has only the open kernel modules; allowed: open, or a branch before {OPEN_ONLY_FROM}"
    )]
    ClosedGone(u32),
    /// The image would lay its own driver over any other.
    #[error(
        "driver {0} is part of this image, which lays it over /usr at every boot, so another one cannot take its place; use another image, or set nvidia.driverVersion to what is there"
    )]
    LaidOver(Version),
    /// A branch that does not know the GPU.
    #[error("nvidia.driverVersion is {wanted}, and {undriven}; allowed: {}", undriven.allowed())]
    Branch {
        /// The version that is wanted.
        wanted: String,
        /// What it does not drive.
        undriven: Undriven,
    },
    /// What is installed already does not know the GPU.
    #[error(
        "driver {found} is installed, and {undriven}; allowed: {}, by another image, or by nvidia.driverVersion with nvidia.install = \"replace\"",
        undriven.allowed()
    )]
    Present {
        /// The version that is there.
        found: Version,
        /// What it does not drive.
        undriven: Undriven,
    },
}
