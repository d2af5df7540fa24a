//! EFA: its software is installed where it is absent or older than asked for, its module is loaded, and every interface
//! that is attached is there.

mod bundle;
mod interfaces;
mod module;
mod observe;

use gpunode_host::efa::install::Decision;
use gpunode_host::{Finding, reason};

use crate::context::Context;
use crate::os::Os;
use crate::step::{Check, Failure, Step, StepId};
use crate::steps::efas;

/// The software and the interfaces.
pub(crate) struct Efa;

impl Step for Efa {
    fn id(&self) -> StepId {
        StepId::Efa
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        let told = cx.spec().efa.expected_count.is_some_and(|count| count > 0);
        if !cx.spec().efa.required.or(told || efas::expected(cx, os)?) {
            return Ok(Check::not_applicable(efas::why_not(cx)));
        }
        let mut findings = Vec::new();
        match observe::decide(cx, os)? {
            Decision::Install(plan) => {
                let change = format!("install EFA {} ({}): {}", plan.version, plan.flags.join(" "), plan.why);
                return Ok(Check { changes: vec![change], ..Check::done(plan.why) });
            }
            Decision::Refuse(why) => return Err(Failure::new(&reason::EFA_NOT_INSTALLED, "efa", why)),
            Decision::Leave(why) => findings.push(Finding::new(&reason::EFA_VERSION, "efa", why)),
            Decision::Right | Decision::Absent => {}
        }
        if cx.makes_image() || !efas::has_kernel(os) {
            // Module and interfaces are the first boot's.
            return Ok(Check { findings, ..Check::done("installed") });
        }
        let mut check = match module::check(cx, os)? {
            module::State::Loaded(driver) => interfaces::check(cx, os, &driver)?,
            module::State::ToLoad => {
                let change = "load the EFA kernel module".to_owned();
                return Ok(Check { changes: vec![change], findings, ..Check::done("not loaded") });
            }
        };
        findings.extend(module::waits_for_reboot(cx, os));
        check.findings.extend(findings);
        Ok(check)
    }

    fn apply(&self, cx: &Context, os: &Os) -> Result<(), Failure> {
        if let Decision::Install(plan) = observe::decide(cx, os)? {
            bundle::install(cx, os, &plan)?;
            cx.forget_versions();
            if let Decision::Install(_) = observe::decide(cx, os)? {
                // It said that all went well and did not do its work: the next look says what is missing.
                return Ok(());
            }
        }
        if cx.makes_image() {
            return Ok(());
        }
        module::load(cx, os)
    }
}
