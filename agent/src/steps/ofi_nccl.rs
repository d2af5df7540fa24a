//! The OFI-NCCL plugin on the host. Containers usually bring their own, and EKS images carry EFA without it, so its
//! absence is a note, not a fault, unless the configuration asks for all of EFA's software. It comes with that bundle
//! (1.39 and newer), which the efa step installs. Where it is, it must fit, be loadable, and be found by the linker.

mod linker;
mod load;

use gpunode_host::nccl::{Installed, fit};
use gpunode_host::spec::EfaMode;
use gpunode_host::versions::Versions;
use gpunode_host::{Finding, reason};

use crate::context::Context;
use crate::os::Os;
use crate::step::{Check, Failure, Step, StepId};

/// The plugin's state.
pub(crate) struct OfiNccl;

impl Step for OfiNccl {
    fn id(&self) -> StepId {
        StepId::OfiNccl
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        let known = cx.facts().and_then(|facts| facts.catalog.as_ref());
        let Some(known) = known.filter(|known| known.has_efa()) else {
            return Ok(Check::not_applicable("this type has no EFA"));
        };
        let versions = cx.versions(os.root());
        let mut findings: Vec<_> = nccl(cx, &versions).into_iter().collect();
        let Some(plugin) = &versions.ofi_nccl_plugin else {
            if cx.spec().efa.installer_mode == EfaMode::Full {
                let message = "efa.installerMode is full, and no plugin is on the host";
                return Err(Failure::new(&reason::OFI_NCCL_MISSING, "ofi-nccl", message));
            }
            let message = "no plugin is installed on the host; containers must bring their own";
            findings.push(Finding::new(&reason::OFI_NCCL_ABSENT, "ofi-nccl", message));
            return Ok(Check { findings, ..Check::done("not on the host") });
        };
        let misfits = fit::misfits(known, &Installed::from(&*versions));
        findings
            .extend(misfits.into_iter().map(|why| Finding::new(&reason::OFI_NCCL_UNFIT, "ofi-nccl", why)));
        let changes = super::files_to_write(os, &linker::missing(os, plugin));
        // To load it takes the libraries of the driver, which only load where GPUs are.
        let offers = if changes.is_empty() && !cx.makes_image() { load::check(os, plugin)? } else { None };
        let found = versions.ofi_nccl.as_ref();
        let version = found.map_or_else(|| "unknown version".to_owned(), |found| found.version.to_string());
        let offers = offers.map(|offers| format!(", {offers}")).unwrap_or_default();
        let summary = format!("{version} at {}{offers}", plugin.display());
        Ok(Check { changes, findings, ..Check::done(summary) })
    }

    fn apply(&self, cx: &Context, os: &Os) -> Result<(), Failure> {
        match &cx.versions(os.root()).ofi_nccl_plugin {
            Some(plugin) => linker::tell(os, plugin),
            None => Ok(()),
        }
    }
}

/// NCCL itself, where it is wanted on the host. It comes as a package (`libnccl2`, `libnccl`) from NVIDIA's repository,
/// so the package manager's door is where it is to be installed; this step says what is missing.
fn nccl(cx: &Context, versions: &Versions) -> Option<Finding> {
    let spec = &cx.spec().nccl;
    let wanted = spec.version.split('-').next().unwrap_or_default();
    let found = versions.nccl.as_ref().map(|found| &found.version);
    let right = found.is_some_and(|found| wanted.parse().is_ok_and(|wanted| *found == wanted));
    (spec.install && !right).then(|| {
        let there = found.map_or_else(|| "none is there".to_owned(), |found| format!("{found} is there"));
        Finding::new(&reason::NCCL_ABSENT, "nccl", format!("nccl.version is {wanted}, {there}"))
    })
}
