//! `installer plan`.

use serde_json::json;

use super::live::{Live, LiveArgs, block_on};
use super::{Stop, out};
use crate::aws::Recorder;
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    live: LiveArgs,
    /// End with 3 where there is something to do, and with 4 where something is refused
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) fn run(args: &PlanArgs) -> Result<(), Stop> {
    block_on(async {
        let live = Live::find(&args.live, Recorder::looking()).await?;
        let plan = live.plan();
        if args.live.json {
            out(live.document("plan", json!({ "resources": plan.rows, "counts": plan.counts() })));
        } else {
            out(live.title());
            out(plan.text().trim_end());
        }
        match args.detailed_exitcode {
            true if plan.refuses() => Err(Exit::Refused),
            true if !plan.is_empty() => Err(Exit::Differs),
            true | false => Ok(()),
        }
    })
}
