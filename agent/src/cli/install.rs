//! `gpunode-agent install`

use std::sync::atomic::Ordering;

use clap::Args;
use gpunode_host::catalog::InstanceType;
use gpunode_host::image;

use super::bootstrap::{among, interruption};
use super::{Common, Stop};
use crate::boot::{self, Boot};
use crate::exit::Exit;
use crate::lock::Lock;
use crate::os::Os;
use crate::runner::Selection;
use crate::step::{StepId, chain};
use crate::{log, progress, steps};

/// Changes what is the same on every instance: files, packages, units. What depends on the instance (its disks, its
/// memory, its cluster) is left to `bootstrap` at the first boot.
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    common: Common,
    /// The image is for this instance type; may be repeated
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    instance_type: Vec<String>,
    /// The image is for every type of this family, for example p5en; may be repeated
    #[arg(long, value_name = "FAMILY", value_delimiter = ',')]
    instance_family: Vec<String>,
    /// Say what would be changed, and change nothing
    #[arg(long)]
    plan: bool,
    /// Run only these steps (and facts), separated by commas
    #[arg(long, value_name = "STEP", value_delimiter = ',', value_parser = step_name)]
    only: Vec<StepId>,
    /// Print JSON lines as things happen; the last one is the report
    #[arg(long)]
    json: bool,
    /// Print nothing but the report
    #[arg(long, short)]
    quiet: bool,
}

fn step_name(name: &str) -> Result<StepId, String> {
    among(&steps::ids(&steps::for_image()), name)
}

pub(super) fn run(args: &InstallArgs) -> Result<Exit, Stop> {
    log::start();
    let root = args.common.root();
    let local = args.common.load()?;
    let types = args.types(local.spec.instance.expected_type.as_deref())?;
    let selection = Selection { only: args.only.clone() };
    let lock = Lock::take(&root).map_err(|error| Stop::not_started(chain(&error)))?;
    let os = Os::real(root);
    let boot = Boot {
        os,
        steps: steps::for_image(),
        local,
        plan_only: args.plan,
        selection,
        image_for: Some(types),
    };
    let quiet = args.quiet || (!args.json && log::stderr_is_journal());
    let interrupted = interruption().map_err(|error| Stop::not_started(chain(&error)))?;
    let mut progress = progress::choose(args.json, quiet);
    let done = boot.run(&mut *progress, &|| interrupted.load(Ordering::Acquire));
    drop(lock);
    boot::print(&done, args.json);
    Ok(done.exit)
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
