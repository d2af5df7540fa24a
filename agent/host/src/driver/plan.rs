//! What has to be done.

use crate::catalog::InstanceType;
use crate::versions::{Driver, Version};

use super::flavour::{self, Choice, Modules};
use super::outcome::{Action, Note, Plan, Refusal};
use super::{Fabric, FabricManager, Generation, Platform, User, Wanted, drives, fabric};

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
    /// The image brings the driver, with its fabric manager, in a folder of its own, and lays it over `/usr` at boot.
    pub laid_over: bool,
    /// The fabric manager.
    pub fabric_manager: FabricManager,
    /// NVLink's subnet manager is there, without which the fabric manager of B200 and B300 does not start.
    pub subnet_manager: bool,
    /// `ib_umad` is loaded, through which the two reach the switches.
    pub umad: bool,
    /// The container toolkit is there.
    pub toolkit: bool,
    /// Who uses the GPUs.
    pub users: Vec<User>,
}

/// What has to be done; nothing where all is right.
pub fn decide(machine: &Machine, wish: &Wish, state: &State) -> Result<Plan, Refusal> {
    let fabric = fabric::of(machine);
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
        if wish.policy == Policy::Replace && state.laid_over {
            return Err(Refusal::LaidOver(found.clone()));
        } else if wish.policy == Policy::Replace && state.users.is_empty() {
            driver = Action::Replace { from: found.clone(), choice: installable(machine, wish)? };
        } else {
            notes.push(Note::Version { found: found.clone(), users: state.users.clone() });
        }
    }
    if driver == Action::Keep && state.loaded.is_none() {
        // One that is loaded shows by itself what it drives.
        drives(&Wanted::Exact(found.clone()), &machine.generations())
            .map_err(|undriven| Refusal::Present { found: found.clone(), undriven })?;
    }
    if driver == Action::Keep {
        notes.extend(other_flavour(machine, wish, state));
    }
    let fix_fabric = driver == Action::Keep && fabric::is_wrong(fabric, found, state);
    let may_fix = wish.policy != Policy::Never && state.users.is_empty() && machine.platform.is_some();
    // The image's own fabric manager would be laid over one of ours.
    let may_fix = may_fix && !(state.laid_over && fabric::manager_is_wrong(found, state));
    if fix_fabric && !may_fix {
        notes.push(fabric::note(found, state));
    }
    let load = driver != Action::Keep
        || state.loaded.is_none()
        || (fabric == Fabric::ManagedByInfiniband && !state.umad);
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
    let refuse = |undriven| Refusal::Branch { wanted: wish.version.to_string(), undriven };
    drives(&wish.version, &machine.generations()).map_err(refuse)?;
    flavour::choose(wish.modules, machine.kind.as_ref(), &machine.generations(), wish.version.branch())
}

fn outside(fabric: Fabric) -> Vec<Note> {
    if fabric == Fabric::UltraServer { vec![Note::UltraServer] } else { Vec::new() }
}

/// The build of the module that is loaded, where it is not the one that would be installed.
fn other_flavour(machine: &Machine, wish: &Wish, state: &State) -> Option<Note> {
    let loaded = state.loaded.as_ref()?.build?;
    let branch = Some(state.loaded.as_ref()?.found.version.numbers()[0]);
    let choice = flavour::choose(wish.modules, machine.kind.as_ref(), &machine.generations(), branch).ok()?;
    (!choice.modules.is(loaded)).then_some(Note::Flavour { wanted: choice.modules })
}
