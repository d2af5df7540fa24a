//! `gpunode-agent generalise`

use std::path::PathBuf;

use clap::Args;
use gpunode_host::Root;

use super::Stop;
use crate::exit::Exit;
use crate::generalise::{Plan, refusal};
use crate::lock::Lock;
use crate::os::Os;
use crate::print;
use crate::step::chain;

/// Identity and keys of the machine, state of cloud-init, logs, records of runs, downloads. Run again, it finds nothing
/// to do. It refuses on a machine that has joined a cluster.
#[derive(Debug, Args)]
pub(crate) struct GeneraliseArgs {
    /// The machine's file tree
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Say what would be removed, and change nothing
    #[arg(long)]
    plan: bool,
    /// Print one line of JSON instead of a list
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &GeneraliseArgs) -> Result<Exit, Stop> {
    let root = Root::new(&args.root);
    let lock = Lock::take(&root).map_err(|error| Stop::not_started(chain(&error)))?;
    let os = Os::real(root);
    if let Some(refusal) = refusal(&os) {
        return Err(Stop::not_started(chain(&refusal)));
    }
    let plan = Plan::new(os.root());
    let errors = if args.plan { Vec::new() } else { plan.apply(&os) };
    drop(lock);
    let errors: Vec<_> = errors.iter().map(|error| chain(error)).collect();
    if args.json {
        let event = serde_json::json!({
            "event": "generalise", "planned": args.plan, "changes": plan.lines(), "errors": errors
        });
        print::out(event);
    } else {
        plan.lines().iter().for_each(print::out);
        errors.iter().for_each(print::err);
        print::out(sentence(args.plan, plan.lines().len(), errors.len()));
    }
    Ok(if errors.is_empty() { Exit::Ok } else { Exit::Degraded })
}

fn sentence(planned: bool, changes: usize, errors: usize) -> String {
    match (planned, changes, errors) {
        (_, 0, _) => "Nothing is here that must not be in an image.".to_owned(),
        (true, _, _) => "Nothing was changed.".to_owned(),
        (false, _, 0) => "Done; do not start anything here before the image is taken.".to_owned(),
        (false, _, _) => "Not all could be removed; an image of this machine is not fit for use.".to_owned(),
    }
}
