//! The services that go with the driver: the persistence daemon, which keeps the GPUs started, and the fabric manager,
//! without which NVSwitches connect nothing.

use std::time::Duration;

use gpunode_host::driver::{Fabric, Plan};

use super::look::Seen;
use crate::os::{Cmd, Os, RunError};
use crate::step::Failure;
use crate::steps::systemd;

const PERSISTENCED: &str = "nvidia-persistenced.service";
const FABRIC_MANAGER: &str = "nvidia-fabricmanager.service";
/// The fabric manager trains every NVLink before it says that it is up: up to a minute on eight GPUs.
const DEADLINE: Duration = Duration::from_secs(180);

/// The units that this machine needs and has, in the order of their start.
fn units(os: &Os, plan: &Plan) -> Vec<&'static str> {
    let mut units = vec![PERSISTENCED];
    if matches!(plan.fabric, Fabric::Managed | Fabric::ManagedByInfiniband) {
        units.insert(0, FABRIC_MANAGER);
    }
    units.retain(|unit| systemd::has_unit(os.root(), unit));
    units
}

/// What has to be changed about them: enabled in any case, started where the driver is loaded and systemd runs.
pub(super) fn changes(os: &Os, seen: &Seen, plan: &Plan) -> Result<Vec<String>, Failure> {
    let mut changes = Vec::new();
    for unit in units(os, plan) {
        if !is(os, "is-enabled", unit)? {
            changes.push(format!("enable {unit}"));
        }
        if seen.state.loaded.is_some() && systemd::runs(os) && !is(os, "is-active", unit)? {
            changes.push(format!("start {unit}"));
        }
    }
    Ok(changes)
}

pub(super) fn start(os: &Os, plan: &Plan, seen_loaded: bool) -> Result<(), Failure> {
    for unit in units(os, plan) {
        if !is(os, "is-enabled", unit)? {
            os.run(&Cmd::new("systemctl").args(["enable", unit]))?;
        }
        // Where there is no GPU an image is baked, and nothing is started.
        if (plan.load || seen_loaded) && systemd::runs(os) && !is(os, "is-active", unit)? {
            os.run(&Cmd::new("systemctl").args(["start", unit]).deadline(DEADLINE))?;
        }
    }
    Ok(())
}

/// Stops them, before the modules leave the kernel.
pub(super) fn stop(os: &Os) -> Result<(), Failure> {
    for unit in [FABRIC_MANAGER, PERSISTENCED] {
        if systemd::runs(os) && systemd::has_unit(os.root(), unit) {
            os.run(&Cmd::new("systemctl").args(["stop", unit]).deadline(DEADLINE))?;
        }
    }
    Ok(())
}

fn is(os: &Os, question: &str, unit: &str) -> Result<bool, RunError> {
    Ok(os.run_any(&Cmd::new("systemctl").args([question, "--quiet", unit]))?.code == 0)
}
