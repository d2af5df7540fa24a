//! BBR with fq, and socket buffers that fill 100 Gbit/s links, now and after every boot.

mod overrides;
mod plan;
mod qdisc;

use gpunode_host::{Finding, reason};

use crate::context::Context;
use crate::os::{Cmd, Os};
use crate::step::{Check, Failure, Step, StepId};

use plan::{Plan, Setting};

/// Kernel settings for the network.
pub(crate) struct Sysctl;

impl Step for Sysctl {
    fn id(&self) -> StepId {
        StepId::Sysctl
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        let spec = &cx.spec().sysctl;
        if !spec.enabled {
            return Ok(Check::not_applicable("switched off by sysctl.enabled"));
        }
        let plan = Plan::new(spec);
        let mut check = Check::done(plan.summary());
        check.changes = super::files_to_write(os, &plan.files());
        if !cx.makes_image() {
            check.changes.extend(plan.settings.iter().filter(|s| !s.is_set(os)).map(|s| s.change(os)));
            check.changes.extend(qdisc::wrong(os, plan.qdisc)?.iter().map(qdisc::Wrong::change));
        }
        check.findings = overrides::find(os.root(), &plan.settings).into_iter().map(overridden).collect();
        Ok(check)
    }

    fn apply(&self, cx: &Context, os: &Os) -> Result<(), Failure> {
        let plan = Plan::new(&cx.spec().sysctl);
        for file in plan.files() {
            os.write(&file)?;
        }
        if cx.makes_image() {
            return Ok(());
        }
        for module in &plan.modules {
            // Built into some kernels, and then modprobe succeeds; where it is absent, setting the value fails
            // below and names the value.
            if let Err(error) = os.run(&Cmd::new("modprobe").arg(*module)) {
                tracing::warn!(module, error = crate::step::chain(&error), "module not loaded");
            }
        }
        for setting in plan.settings.iter().filter(|setting| !setting.is_set(os)) {
            set(os, setting)?;
        }
        for wrong in qdisc::wrong(os, plan.qdisc)? {
            wrong.correct(os)?;
        }
        Ok(())
    }
}

fn set(os: &Os, setting: &Setting) -> Result<(), Failure> {
    os.set_value(setting.path(), &setting.value).map_err(|error| {
        let message = format!("cannot be set to `{}`: {}", setting.value, crate::step::chain(&error));
        Failure::new(&reason::SYSCTL_REFUSED, &setting.key, message)
    })
}

fn overridden((key, file): (String, String)) -> Finding {
    let message =
        format!("{file} is read after ours and sets it to something else, so it is lost at the next boot");
    Finding::new(&reason::SYSCTL_OVERRIDDEN, key, message)
}
