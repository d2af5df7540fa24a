//! `gpunode-agent bootstrap`

use clap::Args;

use super::Stop;
use super::running::{Running, among};
use crate::boot::{self, Boot};
use crate::exit::Exit;
use crate::os::Os;
use crate::runner::Selection;
use crate::step::StepId;
use crate::{log, steps};

#[derive(Debug, Args)]
pub(crate) struct BootstrapArgs {
    #[command(flatten)]
    running: Running,
    /// Run only these steps (and facts), separated by commas
    #[arg(long, value_name = "STEP", value_delimiter = ',', value_parser = step_name)]
    only: Vec<StepId>,
}

pub(crate) fn step_name(name: &str) -> Result<StepId, String> {
    among(&steps::ids(&steps::all(None)), name)
}

pub(super) fn run(args: &BootstrapArgs) -> Result<Exit, Stop> {
    log::start();
    let running = &args.running;
    let selection = Selection { only: args.only.clone() };
    let local = match running.common.load() {
        Err(stop) if !running.plan => return Err(stop.and(keep_out(running, &selection))),
        local => local?,
    };
    let lock = running.lock()?;
    let boot = Boot {
        os: Os::real(running.common.root()),
        steps: steps::all(None),
        local,
        plan_only: running.plan,
        selection,
        image_for: None,
    };
    running.run(boot, lock)
}

/// A configuration that cannot be used is no way into the cluster: what the node does is what `onFailure` says, as far
/// as that can still be read. What there is to say of it.
fn keep_out(running: &Running, selection: &Selection) -> &'static str {
    // Another run at work has its own guard.
    let kept_out = running.lock().is_ok_and(|_lock| {
        let os = || Os::real(running.common.root());
        running.common.salvage().is_some_and(|left| boot::keep_out(left, &os(), selection))
    });
    if kept_out { "\nUntil a run succeeds, this node does not join as a healthy one." } else { "" }
}
