//! The NCCL and libfabric variables, in every place that something reads them from.

use gpunode_host::nccl::{self, Inputs, Installed, Plan, Profile, render};
use gpunode_host::reason;
use gpunode_host::spec::NcclProfile;

use crate::context::Context;
use crate::os::{FileSpec, Os};
use crate::step::{Check, Failure, Step, StepId};

/// Writes the variables.
pub(crate) struct NcclEnv;

impl Step for NcclEnv {
    fn id(&self) -> StepId {
        StepId::NcclEnv
    }

    fn check(&self, cx: &Context, os: &Os) -> Result<Check, Failure> {
        let plan = plan(cx, os)?;
        let names: Vec<_> = plan.lines.iter().map(|line| line.name.as_str()).collect();
        let what = match names.len() {
            0 => "no variable is needed".to_owned(),
            1..=4 => names.join(", "),
            count => format!("{count} variables"),
        };
        let mut check = Check::done(format!("profile {}: {what}", plan.profile));
        check.changes = super::files_to_write(os, &files(&plan));
        check.findings = plan.findings;
        Ok(check)
    }

    fn apply(&self, cx: &Context, os: &Os) -> Result<(), Failure> {
        for file in files(&plan(cx, os)?) {
            os.write(&file)?;
        }
        Ok(())
    }
}

fn plan(cx: &Context, os: &Os) -> Result<Plan, Failure> {
    let spec = &cx.spec().nccl;
    let versions = cx.versions(os.root());
    let inputs = Inputs {
        instance: cx.facts().and_then(|facts| facts.catalog.as_ref()),
        installed: Installed::from(&*versions),
        profile: match spec.profile {
            NcclProfile::Auto => Profile::Auto,
            NcclProfile::Classic => Profile::Classic,
            NcclProfile::None => Profile::None,
        },
        additions: spec.env.clone(),
    };
    nccl::plan(&inputs).map_err(|error| Failure::of(&reason::CONFIG_INVALID, "nccl.env", &error))
}

fn files(plan: &Plan) -> Vec<FileSpec> {
    render::files(plan).into_iter().map(|(path, text)| FileSpec::new(path, text)).collect()
}
