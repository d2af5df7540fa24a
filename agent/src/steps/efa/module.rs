//! The kernel module.

use gpunode_host::efa::install::packaged_driver;
use gpunode_host::versions::Version;
use gpunode_host::{Finding, reason};

use super::observe::{self, MODULE};
use crate::context::Context;
use crate::os::{Cmd, Os};
use crate::step::{Failure, chain};
use crate::steps::efas;

pub(super) enum State {
    /// With its version, for people.
    Loaded(String),
    /// It is on the disk, and can be loaded.
    ToLoad,
}

pub(super) fn check(cx: &Context, os: &Os) -> Result<State, Failure> {
    let versions = cx.versions(os.root());
    if os.root().exists(MODULE) {
        let version = versions.efa_driver.as_ref().map(|found| found.version.to_string());
        return Ok(State::Loaded(version.unwrap_or_else(|| "of the kernel".to_owned())));
    }
    if versions.efa_installer.is_some() && os.has_program("modprobe") {
        return Ok(State::ToLoad);
    }
    let message = "the EFA kernel module is not loaded (/sys/module/efa is absent)";
    Err(Failure::new(&reason::EFA_DRIVER_ABSENT, "efa", message))
}

/// After an install, and where the module is not loaded. A module of another version than the one on the disk is loaded
/// anew where no program uses the devices.
pub(super) fn load(cx: &Context, os: &Os) -> Result<(), Failure> {
    if !efas::has_kernel(os) {
        return Ok(());
    }
    if os.root().exists(MODULE) {
        if newer_on_disk(cx, os).is_none() || observe::in_use(os) != Some(false) {
            return Ok(());
        }
        if let Err(error) = os.run(&Cmd::new("modprobe").args(["-r", "efa"])) {
            // It stays; the next look says that a reboot is needed.
            tracing::warn!(error = chain(&error), "the older EFA module cannot be unloaded");
            return Ok(());
        }
    }
    os.run(&Cmd::new("modprobe").arg("efa"))?;
    Ok(())
}

/// A newer module is on the disk than is loaded.
pub(super) fn waits_for_reboot(cx: &Context, os: &Os) -> Option<Finding> {
    let (loaded, packaged) = newer_on_disk(cx, os)?;
    let message = format!("driver {loaded} is loaded, {packaged} is installed");
    Some(Finding::new(&reason::EFA_REBOOT_NEEDED, "efa", message))
}

/// The loaded version and the one on the disk, where that is newer. Only the numbers count: the module calls itself
/// `2.17.2g`, its package 2.17.2.
fn newer_on_disk(cx: &Context, os: &Os) -> Option<(Version, Version)> {
    let versions = cx.versions(os.root());
    let packaged = packaged_driver(versions.efa_installer.as_ref()?)?;
    let loaded = &versions.efa_driver.as_ref()?.version;
    (packaged.numbers() > loaded.numbers()).then(|| (loaded.clone(), packaged.clone()))
}
