//! The OFI-NCCL plugin on the host. Containers usually bring their own, and EKS images carry EFA without it, so its
//! absence is a note, not a fault, unless the configuration asks for all of EFA's software. It comes with that bundle
//! (1.39 and newer), which the efa step installs. Where it is, it must fit, be loadable, and be found by the linker.
//! NCCL itself is installed where `nccl.install` asks for it.

mod linker;
mod load;
mod nccl;

use gpunode_host::catalog::InstanceType;
use gpunode_host::nccl::{Installed, fit};
use gpunode_host::spec::EfaMode;
use gpunode_host::versions::Versions;
use gpunode_host::{Finding, reason};

use crate::context::Context;
use crate::os::Os;
use crate::step::{Check, Failure, Step, StepId};
use crate::steps::efas;

use nccl::State;

/// The plugin's state.
pub(crate) struct OfiNccl;

impl Step for OfiNccl {
    fn id(&self) -> StepId {
        StepId::OfiNccl
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        let known = cx.facts().and_then(|facts| facts.catalog.as_ref());
        let versions = cx.versions(os.root());
        let mut check = match efas::expected(cx, os)? {
            true => plugin(cx, os, known, &versions)?,
            false if cx.spec().nccl.install => Check::done(efas::why_not(cx)),
            false => return Ok(Check::not_applicable(efas::why_not(cx))),
        };
        match nccl::look(cx, os, &versions) {
            State::Right => {}
            State::ToInstall(version) => check.changes.push(format!("install NCCL {version}")),
            State::Lacking(finding) => check.findings.push(finding),
        }
        Ok(check)
    }

    fn apply(&self, cx: &Context, os: &Os) -> Result<(), Failure> {
        let versions = cx.versions(os.root());
        if let Some(plugin) = &versions.ofi_nccl_plugin {
            linker::tell(os, plugin)?;
        }
        match nccl::look(cx, os, &versions) {
            State::ToInstall(version) => nccl::install(cx, os, &version),
            State::Right | State::Lacking(_) => Ok(()),
        }
    }
}

/// The plugin: there, right for the type, loadable, found by the linker.
fn plugin(
    cx: &Context,
    os: &Os,
    known: Option<&InstanceType>,
    versions: &Versions,
) -> Result<Check, Failure> {
    let mut findings = Vec::new();
    let Some(plugin) = &versions.ofi_nccl_plugin else {
        if cx.spec().efa.installer_mode == EfaMode::Full {
            let message = "efa.installerMode is full, and no plugin is on the host";
            return Err(Failure::new(&reason::OFI_NCCL_MISSING, "ofi-nccl", message));
        }
        let message = "no plugin is installed on the host; containers must bring their own";
        findings.push(Finding::new(&reason::OFI_NCCL_ABSENT, "ofi-nccl", message));
        return Ok(Check { findings, ..Check::done("not on the host") });
    };
    // What fits a type that nobody knows, nobody knows either.
    let misfits = known.map(|known| fit::misfits(known, &Installed::from(versions))).unwrap_or_default();
    findings.extend(misfits.into_iter().map(|why| Finding::new(&reason::OFI_NCCL_UNFIT, "ofi-nccl", why)));
    let changes = super::files_to_write(os, &linker::missing(os, plugin));
    // To load it takes the libraries of the driver, which only load where GPUs are.
    let offers = if changes.is_empty() && !cx.makes_image() { load::check(os, plugin)? } else { None };
    let found = versions.ofi_nccl.as_ref();
    let version = found.map_or_else(|| "unknown version".to_owned(), |found| found.version.to_string());
    let offers = offers.map(|offers| format!(", {offers}")).unwrap_or_default();
    let summary = format!("{version} at {}{offers}", plugin.display());
    Ok(Check { changes, findings, ..Check::done(summary) })
}
