//! Step `container-runtime`: containerd with the NVIDIA runtime and CDI, SOCI parallel pull, and the CDI
//! specification for the daemonset.
//!
//! Where nodeadm is, it writes containerd's configuration and starts it after this step; a drop-in tells it the little
//! that it does not do by itself ([`plan::NODEADM_FILE`]). Elsewhere containerd is told by files of its own, see
//! [`containerd`].
//!
//! containerd is restarted only where that harms nobody: it runs, it has not read what was written, and neither
//! nodeadm nor a kubelet is there to be disturbed. At boot containerd is not running yet, as a rule. Under a running
//! kubelet the restart is left to people, and a finding says that it is due.

mod cdi;
mod containerd;
mod observe;
mod plan;
mod soci;
#[cfg(test)]
mod tests;
mod toml_file;

use std::path::{Path, PathBuf};
use std::time::Duration;

use gpunode_host::spec::Soci;
use gpunode_host::{Finding, Root, reason};

use self::containerd::Settings;
use self::plan::{Machine, Plan, Wanted};
use self::soci::Parallel;
use self::toml_file::EditError;
use super::{files_to_write, gpus, systemd};
use crate::context::Context;
use crate::os::{Cmd, Os};
use crate::step::{Check, Failure, Step, StepId, chain};

const CONTAINERD: &str = "containerd.service";
const KUBELET: &str = "kubelet.service";
/// containerd's own unit allows 90 s for its start with many snapshots.
const RESTART_DEADLINE: Duration = Duration::from_secs(90);

/// The step.
pub(crate) struct ContainerRuntime;

impl Step for ContainerRuntime {
    fn id(&self) -> StepId {
        StepId::ContainerRuntime
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        if !cx.spec().container_runtime.enabled {
            return Ok(Check::not_applicable("switched off by containerRuntime.enabled"));
        }
        let (machine, plan) = look(cx, os)?;
        let mut changes = files_to_write(os, &plan.files);
        let surplus = plan.absent.iter().filter(|path| os.root().exists(path));
        changes.extend(surplus.map(|path| format!("remove {}", path.display())));
        if systemd::is_behind(os, self.id()) {
            changes.push("let systemd read its units again".into());
        }
        let mut findings = plan.findings.clone();
        if changes.is_empty() {
            findings.extend(shadowed(os, plan.in_force)?);
            match restart(os, &machine, &plan)? {
                Restart::NotNeeded => {}
                Restart::Ours => changes.push("restart containerd".into()),
                Restart::Peoples(finding) => findings.push(*finding),
            }
        }
        if plan.enable_soci && !soci_is_enabled(os)? {
            changes.push(format!("enable {}", soci::UNIT));
        }
        Ok(Check { changes, findings, summary: plan.summary, not_applicable: false })
    }

    fn apply(&self, cx: &Context, os: &Os) -> Result<(), Failure> {
        let (machine, plan) = look(cx, os)?;
        if plan.enable_soci {
            // First of all: containerd must never be told of a snapshotter that does not run.
            start_soci(os, &plan)?;
        }
        let is_unit = |path: &PathBuf| path.starts_with("/etc/systemd");
        // Those that stay count whether or not they are written now: a run may have been killed before it said so.
        let units = plan.files.iter().any(|file| is_unit(&file.path))
            || plan.absent.iter().any(|path| is_unit(path) && os.root().exists(path))
            || systemd::is_behind(os, self.id());
        if units {
            systemd::about_to_change(os, self.id())?;
        }
        let mut read_at_start = false;
        for file in &plan.files {
            read_at_start |= os.write(file)? && observe::is_read_at_start(&file.path);
        }
        for path in &plan.absent {
            read_at_start |= os.remove(path)? && observe::is_read_at_start(path);
        }
        if units {
            systemd::reload(os, self.id())?;
        }
        let Some(since) = systemd::running_since(os, CONTAINERD)? else {
            return Ok(());
        };
        let due = read_at_start || observe::unread(os, &plan.files, since).is_some();
        if due && may_restart(os, &machine)? {
            os.run(&Cmd::new("systemctl").args(["restart", CONTAINERD]).deadline(RESTART_DEADLINE))?;
        }
        Ok(())
    }
}

/// Whether containerd must be started anew, and by whom.
enum Restart {
    NotNeeded,
    Ours,
    Peoples(Box<Finding>),
}

fn restart(os: &Os, machine: &Machine, plan: &Plan) -> Result<Restart, Failure> {
    let Some(since) = systemd::running_since(os, CONTAINERD)? else {
        return Ok(Restart::NotNeeded);
    };
    let Some(file) = observe::unread(os, &plan.files, since) else {
        return Ok(Restart::NotNeeded);
    };
    if may_restart(os, machine)? {
        return Ok(Restart::Ours);
    }
    let message = format!("{} was changed after containerd started", file.path.display());
    Ok(Restart::Peoples(Box::new(Finding::new(&reason::CONTAINERD_RESTART_NEEDED, CONTAINERD, message))))
}

fn may_restart(os: &Os, machine: &Machine) -> Result<bool, Failure> {
    Ok(!machine.nodeadm && systemd::running_since(os, KUBELET)?.is_none())
}

/// Settings that are written, but that an imported file takes back.
fn shadowed(os: &Os, settings: Settings) -> Result<Option<Finding>, Failure> {
    if settings == Settings::default() {
        return Ok(None);
    }
    let dump = os.run(&Cmd::new("containerd").args(["-c", containerd::CONFIG, "config", "dump"]))?;
    let wrong = containerd::not_in_force(&dump.stdout, settings).map_err(|error| invalid(&error))?;
    Ok((!wrong.is_empty())
        .then(|| Finding::new(&reason::CONTAINERD_CONFIG_SHADOWED, containerd::CONFIG, wrong.join("; "))))
}

fn start_soci(os: &Os, plan: &Plan) -> Result<(), Failure> {
    for file in plan.files.iter().filter(|file| file.path == Path::new(soci::CONFIG)) {
        os.write(file)?;
    }
    let enable = Cmd::new("systemctl").args(["enable", soci::UNIT]);
    os.run(&if systemd::runs(os) { enable.arg("--now") } else { enable })?;
    Ok(())
}

fn soci_is_enabled(os: &Os) -> Result<bool, Failure> {
    Ok(os.run_any(&Cmd::new("systemctl").args(["is-enabled", "--quiet", soci::UNIT]))?.code == 0)
}

fn look(cx: &Context, os: &Os) -> Result<(Machine, Plan), Failure> {
    let node_configs = cx.facts().map(|facts| facts.node_configs.as_slice()).unwrap_or_default();
    let mut machine = observe::observe(os, node_configs)?;
    if cx.makes_image() {
        // The devices of the machine that makes it are not those of its instances.
        machine.nodes.clear();
    }
    let plan = plan::plan(&machine, wanted(cx, os.root())).map_err(|error| invalid(&error))?;
    Ok((machine, plan))
}

fn invalid(error: &EditError) -> Failure {
    Failure::new(&reason::CONTAINERD_CONFIG_INVALID, plan::subject(error), chain(error))
}

/// The configuration, as this step needs it.
fn wanted(cx: &Context, root: &Root) -> Wanted {
    let spec = &cx.spec().container_runtime;
    Wanted {
        nvidia_default: spec.nvidia_default.or(gpus::expected(cx, root)),
        cdi: spec.cdi,
        soci: match spec.soci {
            Soci::Off => None,
            Soci::General => Some(Parallel::GENERAL),
            Soci::Gpu => Some(Parallel::GPU),
        },
    }
}
