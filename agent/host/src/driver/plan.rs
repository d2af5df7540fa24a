//! What has to be done.

use crate::catalog::{InstanceType, NvSwitch};
use crate::versions::{Driver, Version};

use super::flavour::{self, Choice, Modules};
use super::{Generation, Platform, User, Wanted};

/// What the machine is.
#[derive(Clone, Debug)]
pub struct Machine {
    /// `None` for a distribution on which the driver cannot be installed.
    pub platform: Option<Platform>,
    /// The distribution's name, for messages.
    pub distro: String,
    /// The instance type, where it is known; for an image, the one it is baked for.
    pub kind: Option<InstanceType>,
    /// The GPUs on the PCI bus; empty where an image is baked on a machine without one.
    pub gpus: Vec<Generation>,
}

/// What the operator wants.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The version.
    pub version: Wanted,
    /// The kernel modules; `None`: as the GPU needs.
    pub modules: Option<Modules>,
    /// What may be done for it.
    pub policy: Policy,
}

/// What may be done for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Nothing is installed.
    Never,
    /// Installed where there is none.
    Auto,
    /// Installed, and another version replaced where no GPU is in use.
    Replace,
}

/// What is on the machine.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The kernel module that is loaded.
    pub loaded: Option<Driver>,
    /// The driver that is installed, loaded or not: the version of its libraries.
    pub installed: Option<Version>,
    /// The fabric manager: `None` where there is none; inside `None` where it does not tell its version.
    pub fabric_manager: Option<Option<Version>>,
    /// The container toolkit is there.
    pub toolkit: bool,
    /// Who uses the GPUs.
    pub users: Vec<User>,
}

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
    /// The fabric manager is absent, or not of the driver's version.
    Fabric {
        /// The version it has, where it is there and tells.
        found: Option<Version>,
        /// The driver's version.
        driver: Version,
    },
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
    /// A branch that does not know the GPU.
    #[error("driver branch {branch} does not drive {gpu:?} GPUs, which need {need}")]
    Branch {
        /// The branch that is wanted.
        branch: u32,
        /// The GPU.
        gpu: Generation,
        /// The branches that do.
        need: String,
    },
}

/// What has to be done; nothing where all is right.
pub fn decide(machine: &Machine, wish: &Wish, state: &State) -> Result<Plan, Refusal> {
    let fabric = fabric(machine);
    let present = state.loaded.as_ref().map(|driver| &driver.found.version).or(state.installed.as_ref());
    let Some(found) = present else {
        return Ok(Plan {
            driver: Action::Install(installable(machine, wish)?),
            fabric,
            fix_fabric: false,
            toolkit: !state.toolkit,
            load: !machine.gpus.is_empty(),
            notes: Vec::new(),
        });
    };
    let mut notes = Vec::new();
    let mut driver = Action::Keep;
    if !wish.version.fits(found) {
        if wish.policy == Policy::Replace && state.users.is_empty() {
            driver = Action::Replace { from: found.clone(), choice: installable(machine, wish)? };
        } else {
            notes.push(Note::Version { found: found.clone(), users: state.users.clone() });
        }
    }
    if driver == Action::Keep {
        notes.extend(other_flavour(machine, wish, state));
    }
    let fix_fabric = driver == Action::Keep && fabric_is_wrong(fabric, found, state);
    let may_fix = wish.policy != Policy::Never && state.users.is_empty() && machine.platform.is_some();
    if fix_fabric && !may_fix {
        let version = state.fabric_manager.clone().flatten();
        notes.push(Note::Fabric { found: version, driver: found.clone() });
    }
    let load = driver != Action::Keep || state.loaded.is_none();
    Ok(Plan {
        driver,
        fabric,
        fix_fabric: fix_fabric && may_fix,
        toolkit: !state.toolkit && wish.policy != Policy::Never && machine.platform.is_some(),
        load: load && !machine.gpus.is_empty(),
        notes,
    })
}

/// What is installed, where something may and can be.
fn installable(machine: &Machine, wish: &Wish) -> Result<Choice, Refusal> {
    if wish.policy == Policy::Never {
        return Err(Refusal::Never);
    }
    if machine.platform.is_none() {
        return Err(Refusal::Platform(machine.distro.clone()));
    }
    if let Some(branch) = wish.version.branch() {
        drives(branch, &machine.gpus)?;
    }
    flavour::choose(wish.modules, machine.kind.as_ref(), &machine.gpus)
}

/// Whether a branch drives every GPU.
pub fn drives(branch: u32, gpus: &[Generation]) -> Result<(), Refusal> {
    for gpu in gpus {
        let need = match (gpu.first_branch(), gpu.last_branch()) {
            (Some(first), _) if branch < first => format!("{first} or newer"),
            (_, Some(last)) if branch > last => format!("{last} or older"),
            _ => continue,
        };
        return Err(Refusal::Branch { branch, gpu: *gpu, need });
    }
    Ok(())
}

fn fabric(machine: &Machine) -> Fabric {
    let nvlink_5 = machine.gpus.iter().any(|gpu| gpu.open_only())
        || machine.kind.as_ref().is_some_and(|kind| kind.family().starts_with("p6-"));
    match machine.kind.as_ref().map(|kind| kind.nvswitch) {
        Some(NvSwitch::Local) if nvlink_5 => Fabric::ManagedByInfiniband,
        Some(NvSwitch::Local) => Fabric::Managed,
        Some(NvSwitch::UltraServer) => Fabric::UltraServer,
        Some(NvSwitch::None) | None => Fabric::None,
    }
}

/// Whether the fabric manager is absent, or would refuse the driver. One that does not tell its version is left alone.
fn fabric_is_wrong(fabric: Fabric, driver: &Version, state: &State) -> bool {
    match (fabric, &state.fabric_manager) {
        (Fabric::None | Fabric::UltraServer, _) | (_, Some(None)) => false,
        (Fabric::Managed | Fabric::ManagedByInfiniband, None) => true,
        (Fabric::Managed | Fabric::ManagedByInfiniband, Some(Some(version))) => version != driver,
    }
}

/// The build of the module that is loaded, where it is not the one that would be installed.
fn other_flavour(machine: &Machine, wish: &Wish, state: &State) -> Option<Note> {
    let loaded = state.loaded.as_ref()?.build?;
    let choice = flavour::choose(wish.modules, machine.kind.as_ref(), &machine.gpus).ok()?;
    (!choice.modules.is(loaded)).then_some(Note::Flavour { wanted: choice.modules })
}
