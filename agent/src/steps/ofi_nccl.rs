//! Looks whether the OFI-NCCL plugin is on the host. Containers usually bring their own, and EKS images carry EFA
//! without it, so its absence is a note, not a fault. This step does not install.

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
        if cx.makes_image() {
            return Ok(super::left_to_the_source_image());
        }
        let known = cx.facts().and_then(|facts| facts.catalog.as_ref());
        if !known.is_some_and(gpunode_host::catalog::InstanceType::has_efa) {
            return Ok(Check::not_applicable("this type has no EFA"));
        }
        let versions = cx.versions(os.root());
        let Some(plugin) = &versions.ofi_nccl_plugin else {
            let message = "no plugin is installed on the host; containers must bring their own";
            let finding = Finding::new(&reason::OFI_NCCL_ABSENT, "ofi-nccl", message);
            return Ok(Check { findings: vec![finding], ..Check::done("not on the host") });
        };
        let found = versions.ofi_nccl.as_ref();
        let version = found.map_or_else(|| "unknown version".to_owned(), |found| found.version.to_string());
        Ok(Check::done(format!("{version} at {}", plugin.display())))
    }

    fn apply(&self, _: &Context, _: &Os) -> Result<(), Failure> {
        Ok(())
    }
}
