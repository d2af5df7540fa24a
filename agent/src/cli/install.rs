//! `gpunode-agent install`

use clap::Args;
use gpunode_host::catalog::InstanceType;
use gpunode_host::image;

use super::Stop;
use super::running::{Running, among};
use crate::boot::Boot;
use crate::exit::Exit;
use crate::os::Os;
use crate::runner::Selection;
use crate::step::{StepId, chain};
use crate::{log, steps};

/// Changes what is the same on every instance: files, packages, units. What depends on the instance (its disks, its
/// memory, its cluster) is left to `bootstrap` at the first boot.
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    running: Running,
    /// The image is for this instance type; may be repeated
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    instance_type: Vec<String>,
    /// The image is for every type of this family, for example p5en; may be repeated
    #[arg(long, value_name = "FAMILY", value_delimiter = ',')]
    instance_family: Vec<String>,
    /// Run only these steps (and facts), separated by commas
    #[arg(long, value_name = "STEP", value_delimiter = ',', value_parser = step_name)]
    only: Vec<StepId>,
}

fn step_name(name: &str) -> Result<StepId, String> {
    among(&steps::ids(&steps::for_image()), name)
}

pub(super) fn run(args: &InstallArgs) -> Result<Exit, Stop> {
    log::start();
    let running = &args.running;
    let local = running.common.load()?;
    let types = args.types(local.spec.instance.expected_type.as_deref())?;
    let lock = running.lock()?;
    let boot = Boot {
        os: Os::real(running.common.root()),
        steps: steps::for_image(),
        local,
        plan_only: running.plan,
        selection: Selection { only: args.only.clone() },
        image_for: Some(types),
    };
    running.run(boot, lock)
}

impl InstallArgs {
    /// The types that the image is for; without a flag, the one that the configuration expects.
    fn types(&self, expected: Option<&str>) -> Result<Vec<InstanceType>, Stop> {
        let mut types = self.instance_type.clone();
        if types.is_empty() && self.instance_family.is_empty() {
            types.extend(expected.map(str::to_owned));
        }
        image::instance_types(&types, &self.instance_family).map_err(|error| Stop::usage(chain(&error)))
    }
}
