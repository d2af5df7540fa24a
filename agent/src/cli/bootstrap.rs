//! `gpunode-agent bootstrap`

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use gpunode_host::Root;

use super::{Common, Stop};
use crate::boot::{self, Boot};
use crate::exit::Exit;
use crate::lock::Lock;
use crate::os::Os;
use crate::runner::Selection;
use crate::step::{StepId, chain};
use crate::{log, progress, steps};

#[derive(Debug, Args)]
pub(crate) struct BootstrapArgs {
    #[command(flatten)]
    common: Common,
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

pub(crate) fn step_name(name: &str) -> Result<StepId, String> {
    among(&steps::ids(&steps::all(None)), name)
}

/// The step of this name, of those that a command has.
pub(super) fn among(steps: &[StepId], name: &str) -> Result<StepId, String> {
    steps.iter().copied().find(|id| id.name() == name).ok_or_else(|| {
        let names: Vec<_> = steps.iter().map(|id| id.name()).collect();
        format!("no such step; the steps are: {}", names.join(", "))
    })
}

pub(super) fn run(args: &BootstrapArgs) -> Result<Exit, Stop> {
    log::start();
    let root = args.common.root();
    let selection = Selection { only: args.only.clone() };
    let local = match args.common.load() {
        Err(stop) if !args.plan => return Err(stop.and(keep_out(args, root, &selection))),
        local => local?,
    };
    let lock = Lock::take(&root).map_err(|error| Stop::not_started(chain(&error)))?;
    let steps = steps::all(None);
    let boot = Boot { os: Os::real(root), steps, local, plan_only: args.plan, selection, image_for: None };
    let quiet = args.quiet || (!args.json && log::stderr_is_journal());
    let interrupted = interruption().map_err(|error| Stop::not_started(chain(&error)))?;
    let mut progress = progress::choose(args.json, quiet);
    let done = boot.run(&mut *progress, &|| interrupted.load(Ordering::Acquire));
    drop(lock);
    boot::print(&done, args.json);
    Ok(done.exit)
}

/// A configuration that cannot be used is no way into the cluster: what the node does is what `onFailure` says, as far
/// as that can still be read. What there is to say of it.
fn keep_out(args: &BootstrapArgs, root: Root, selection: &Selection) -> &'static str {
    // Another run at work has its own guard.
    let kept_out = Lock::take(&root).is_ok_and(|_lock| {
        args.common.salvage().is_some_and(|left| boot::keep_out(left, &Os::real(root), selection))
    });
    if kept_out { "\nUntil a run succeeds, this node does not join as a healthy one." } else { "" }
}

/// A flag that SIGINT and SIGTERM set. A second signal ends the process at once.
pub(crate) fn interruption() -> std::io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(
            signal,
            i32::from(Exit::Interrupted.code()),
            Arc::clone(&flag),
        )?;
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}
