//! What has to be done.

use crate::catalog::{InstanceType, NvSwitch};
use crate::versions::{Driver, Version};

use super::flavour::{self, Choice, Modules};
use super::outcome::{Action, Fabric, Note, Plan, Refusal, Undriven};
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

impl Machine {
    /// The GPUs that the driver is for: those of the machine, else those of the type that the image is baked for.
    pub fn generations(&self) -> Vec<Generation> {
        if !self.gpus.is_empty() {
            return self.gpus.clone();
        }
        let models = self.kind.iter().flat_map(|kind| &kind.gpus);
        models.map(|gpu| Generation::of_model(&gpu.name)).collect()
    }
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
    /// The fabric manager.
    pub fabric_manager: FabricManager,
    /// The container toolkit is there.
    pub toolkit: bool,
    /// Who uses the GPUs.
    pub users: Vec<User>,
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
            notes: outside(fabric),
        });
    };
    let mut notes = outside(fabric);
    let mut driver = Action::Keep;
    if !wish.version.fits(found) {
        if wish.policy == Policy::Replace && state.users.is_empty() {
            driver = Action::Replace { from: found.clone(), choice: installable(machine, wish)? };
        } else {
            notes.push(Note::Version { found: found.clone(), users: state.users.clone() });
        }
    }
    if driver == Action::Keep && state.loaded.is_none() {
        // One that is loaded shows by itself what it drives.
        drives(found.numbers()[0], &machine.generations())
            .map_err(|undriven| Refusal::Present { found: found.clone(), undriven })?;
    }
    if driver == Action::Keep {
        notes.extend(other_flavour(machine, wish, state));
    }
    let fix_fabric = driver == Action::Keep && fabric_is_wrong(fabric, found, state);
    let may_fix = wish.policy != Policy::Never && state.users.is_empty() && machine.platform.is_some();
    if fix_fabric && !may_fix {
        let version = state.fabric_manager.version().cloned();
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
        let refuse = |undriven| Refusal::Branch { wanted: wish.version.to_string(), undriven };
        drives(branch, &machine.generations()).map_err(refuse)?;
    }
    flavour::choose(wish.modules, machine.kind.as_ref(), &machine.generations())
}

fn outside(fabric: Fabric) -> Vec<Note> {
    if fabric == Fabric::UltraServer { vec![Note::UltraServer] } else { Vec::new() }
}

/// Whether a branch drives every GPU.
pub fn drives(branch: u32, gpus: &[Generation]) -> Result<(), Undriven> {
    for gpu in gpus {
        let need = match (gpu.first_branch(), gpu.last_branch()) {
            (Some(first), _) if branch < first => format!("{first} or newer"),
            (_, Some(last)) if branch > last => format!("{last} or older"),
            _ => continue,
        };
        return Err(Undriven { branch, gpu: *gpu, need });
    }
    Ok(())
}

fn fabric(machine: &Machine) -> Fabric {
    let nvlink_5 = machine.generations().iter().any(|gpu| gpu.open_only())
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
        (Fabric::None | Fabric::UltraServer, _) | (_, FabricManager::Silent) => false,
        (Fabric::Managed | Fabric::ManagedByInfiniband, FabricManager::Absent) => true,
        (Fabric::Managed | Fabric::ManagedByInfiniband, FabricManager::Version(version)) => version != driver,
    }
}

/// The build of the module that is loaded, where it is not the one that would be installed.
fn other_flavour(machine: &Machine, wish: &Wish, state: &State) -> Option<Note> {
    let loaded = state.loaded.as_ref()?.build?;
    let choice = flavour::choose(wish.modules, machine.kind.as_ref(), &machine.generations()).ok()?;
    (!choice.modules.is(loaded)).then_some(Note::Flavour { wanted: choice.modules })
}
