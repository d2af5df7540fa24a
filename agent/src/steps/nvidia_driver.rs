//! The NVIDIA driver: installed where there is none, loaded where it only has to be, left alone where it is right.
//!
//! What has to be done is decided by [`gpunode_host::driver`]; here it is looked at, done and looked at again. A driver
//! of another version is replaced only where `nvidia.install` says so, and never while a process has a GPU open.

pub(super) mod beside;
mod install;
mod kernel;
mod key;
mod look;
mod module;
mod offline;
mod run_file;
mod services;
mod source;
#[cfg(test)]
mod tests;

use gpunode_host::catalog::InstanceType;
use gpunode_host::count;
use gpunode_host::driver::{self, Action, Fabric, Modules, Note, Plan, Refusal};
use gpunode_host::{Finding, reason};

use crate::context::Context;
use crate::os::Os;
use crate::step::{Check, Failure, Step, StepId, few};

use look::Seen;

/// The driver's state.
pub(crate) struct NvidiaDriver;

impl Step for NvidiaDriver {
    fn id(&self) -> StepId {
        StepId::NvidiaDriver
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        let known = cx.facts().and_then(|facts| facts.catalog.as_ref());
        let gpus = look::gpus(cx, os);
        let expected = known.map(InstanceType::gpu_count);
        let required = cx.spec().nvidia.required.or(expected.unwrap_or(0) > 0 || !gpus.is_empty());
        if !required {
            return Ok(Check::not_applicable("no NVIDIA GPU here"));
        }
        if let Some(expected) =
            expected.filter(|count| usize::try_from(*count).is_ok_and(|count| gpus.len() < count))
            && !cx.makes_image()
        {
            let message = format!("{} of {expected} GPUs are on the PCI bus", gpus.len());
            return Err(Failure::new(&reason::GPU_MISSING, "pci", message));
        }
        let seen = Seen::beside(cx, os, &gpus);
        let plan = decide(&seen)?;
        let mut check = Check::done(summary(&seen, (!cx.makes_image()).then_some(gpus.len())));
        check.changes = changes(&seen, &plan);
        if check.changes.is_empty() {
            check.changes = services::changes(os, &seen, &plan)?;
        }
        check.findings = plan.notes.iter().map(|note| finding(note, &seen)).collect();
        if seen.state.loaded.is_some() {
            let unbound = gpus.iter().filter(|gpu| gpu.driver.as_deref() != Some("nvidia"));
            check.findings.extend(unbound.map(|gpu| {
                let bound = gpu.driver.as_deref().unwrap_or("nothing");
                let message = format!("bound to {bound}, not to nvidia");
                Finding::new(&reason::GPU_NOT_BOUND, &gpu.address, message)
            }));
        }
        Ok(check)
    }

    fn apply(&self, cx: &Context, os: &Os) -> Result<(), Failure> {
        let seen = Seen::look(cx, os);
        let plan = decide(&seen)?;
        match &plan.driver {
            Action::Keep => install::additions(cx, os, &seen, &plan)?,
            Action::Install(choice) => install::driver(cx, os, &seen, &plan, choice)?,
            Action::Replace { choice, .. } => {
                if !cx.makes_image() {
                    services::stop(os)?;
                    module::unload(os)?;
                }
                install::driver(cx, os, &seen, &plan, choice)?;
            }
        }
        cx.forget_versions();
        if plan.load {
            module::load(os, &seen, plan.fabric)?;
        }
        services::start(os, &plan, seen.state.loaded.is_some())
    }
}

fn decide(seen: &Seen) -> Result<Plan, Failure> {
    let plan = driver::decide(&seen.machine, &seen.wish, &seen.state);
    // The module that is loaded is the first boot's.
    let plan = plan.map(|plan| Plan { load: plan.load && !seen.for_image, ..plan });
    let plan = plan.map(|plan| if seen.by_run_file { plan.without_packages(&seen.state) } else { plan });
    plan.map_err(|refusal| {
        let reason = match refusal {
            Refusal::Never | Refusal::Platform(_) => &reason::NVIDIA_DRIVER_ABSENT,
            Refusal::Grid
            | Refusal::ClosedGone(_)
            | Refusal::LaidOver(_)
            | Refusal::MixedGpus
            | Refusal::OpenOnly
            | Refusal::ClosedOnly
            | Refusal::Branch { .. }
            | Refusal::Present { .. } => &reason::NVIDIA_DRIVER_REFUSED,
        };
        Failure::of(reason, "nvidia", &refusal)
    })
}

/// `gpus`: how many there are; `None` where an image is made.
fn summary(seen: &Seen, gpus: Option<usize>) -> String {
    let gpus = gpus.map(|number| format!("{}, ", count(number, "GPU"))).unwrap_or_default();
    match (&seen.state.loaded, &seen.state.installed) {
        (Some(driver), _) => format!("{gpus}driver {}", driver.found.version),
        (None, Some(version)) if seen.for_image => format!("driver {version} is installed"),
        (None, Some(version)) => format!("{gpus}driver {version} is installed and not loaded"),
        (None, None) => format!("{gpus}no driver"),
    }
}

/// What has to be changed, as far as it can be said without asking a repository.
fn changes(seen: &Seen, plan: &Plan) -> Vec<String> {
    let wanted = &seen.wish.version;
    let mut changes = Vec::new();
    match &plan.driver {
        Action::Keep => {}
        Action::Install(choice) => changes.push(format!(
            "install the NVIDIA driver {wanted} with {} kernel modules ({}){}",
            choice.modules.word(),
            choice.because,
            with(plan.fabric)
        )),
        Action::Replace { from, choice } => changes.push(format!(
            "replace the NVIDIA driver {from} by {wanted} with {} kernel modules ({}){}",
            choice.modules.word(),
            choice.because,
            with(plan.fabric)
        )),
    }
    if plan.fix_fabric {
        let subnet =
            if plan.fabric == Fabric::ManagedByInfiniband { " and NVLink's subnet manager" } else { "" };
        changes.push(format!("install the fabric manager of the driver's version{subnet}"));
    }
    if plan.toolkit && plan.driver == Action::Keep {
        changes.push("install the NVIDIA container toolkit".into());
    }
    if plan.load {
        changes.push(format!("load {}", driver::files::modules(plan.fabric).join(", ")));
    }
    changes
}

fn with(fabric: Fabric) -> &'static str {
    match fabric {
        Fabric::None => "",
        Fabric::Managed => ", and the fabric manager",
        Fabric::ManagedByInfiniband => ", the fabric manager and NVLink's subnet manager",
        Fabric::UltraServer => ", and IMEX",
    }
}

fn finding(note: &Note, seen: &Seen) -> Finding {
    match note {
        Note::Version { found, users } => {
            let state = if seen.state.loaded.is_some() { "loaded" } else { "installed" };
            let wanted = &seen.wish.version;
            let mut message = format!("version {found} is {state}, nvidia.driverVersion says {wanted}");
            if !users.is_empty() {
                let users: Vec<_> = users.iter().map(ToString::to_string).collect();
                message = format!("{message}; it is not replaced while {}", few(&users));
            }
            Finding::new(&reason::NVIDIA_DRIVER_VERSION, "nvidia", message)
        }
        Note::Flavour { wanted } => {
            let (loaded, wanted) = match wanted {
                Modules::Open => ("proprietary", "open"),
                Modules::Proprietary => ("open", "proprietary"),
            };
            let message =
                format!("the {loaded} kernel modules are loaded; this type wants the {wanted} ones");
            let subject = seen.machine.kind.as_ref().map_or("nvidia", |kind| kind.name.as_str());
            Finding::new(&reason::NVIDIA_DRIVER_FLAVOUR, subject, message)
        }
        Note::UltraServer => {
            let subject = seen.machine.kind.as_ref().map_or("nvidia", |kind| kind.name.as_str());
            let message = "the GPUs reach those of other instances by NVLink only where IMEX runs on all of \
                           them; gpunode installs it and neither writes its list of instances nor starts it";
            Finding::new(&reason::IMEX_NOT_CONFIGURED, subject, message)
        }
        Note::SubnetManager => {
            let message = "NVLink's subnet manager (package nvlsm) is not there, and the fabric manager does not start \
                           without it";
            Finding::new(&reason::FABRIC_MANAGER_WRONG, "nvlsm", message)
        }
        Note::Fabric { found, driver } => {
            let found = found
                .as_ref()
                .map_or_else(|| "there is none".to_owned(), |version| format!("{version} is installed"));
            let message = format!("{found}; the driver is {driver}, and it takes no other");
            Finding::new(&reason::FABRIC_MANAGER_WRONG, "nvidia-fabricmanager", message)
        }
    }
}
