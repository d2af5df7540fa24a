//! What joins the GPUs by NVSwitches: the fabric manager, and what it needs.

use super::{Machine, Note, State};
use crate::catalog::NvSwitch;
use crate::versions::Version;

/// What the NVSwitches want of the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fabric {
    /// Nothing.
    None,
    /// The fabric manager.
    Managed,
    /// The fabric manager with NVLink's subnet manager, reached through `ib_umad` (B200, B300).
    ManagedByInfiniband,
    /// IMEX: the switches are outside the instance.
    UltraServer,
}

/// The fabric manager that is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FabricManager {
    /// There is none.
    #[default]
    Absent,
    /// It does not tell its version.
    Silent,
    /// It is of this version.
    Version(Version),
}

impl FabricManager {
    /// Its version, where it is there and tells.
    pub fn version(&self) -> Option<&Version> {
        match self {
            Self::Version(version) => Some(version),
            Self::Absent | Self::Silent => None,
        }
    }
}

/// What the NVSwitches of this machine want.
pub(super) fn of(machine: &Machine) -> Fabric {
    let nvlink_5 = machine.generations().iter().any(|gpu| gpu.open_only())
        || machine.kind.as_ref().is_some_and(|kind| kind.family().starts_with("p6-"));
    match machine.kind.as_ref().map(|kind| kind.nvswitch) {
        Some(NvSwitch::Local) if nvlink_5 => Fabric::ManagedByInfiniband,
        Some(NvSwitch::Local) => Fabric::Managed,
        Some(NvSwitch::UltraServer) => Fabric::UltraServer,
        Some(NvSwitch::None) | None => Fabric::None,
    }
}

/// Whether the fabric manager is absent, would refuse the driver, or lacks what it does not start without.
pub(super) fn is_wrong(fabric: Fabric, driver: &Version, state: &State) -> bool {
    match fabric {
        Fabric::None | Fabric::UltraServer => false,
        Fabric::Managed => manager_is_wrong(driver, state),
        Fabric::ManagedByInfiniband => manager_is_wrong(driver, state) || !state.subnet_manager,
    }
}

/// One that does not tell its version is left alone, and so is the absence of one that the image has yet to lay over.
pub(super) fn manager_is_wrong(driver: &Version, state: &State) -> bool {
    match &state.fabric_manager {
        FabricManager::Silent => false,
        FabricManager::Absent => !state.laid_over || state.loaded.is_some(),
        FabricManager::Version(version) => version != driver,
    }
}

/// What is wrong with it, where that is left so.
pub(super) fn note(driver: &Version, state: &State) -> Note {
    if manager_is_wrong(driver, state) {
        Note::Fabric { found: state.fabric_manager.version().cloned(), driver: driver.clone() }
    } else {
        Note::SubnetManager
    }
}
