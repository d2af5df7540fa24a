//! `installer plan`.

use serde_json::json;

use super::live::{Live, LiveArgs};
use super::talk::{UNKNOWN, block_on};
use super::{Stop, out};
use crate::aws::Recorder;
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    live: LiveArgs,
    /// End with 3 where there is something to do, with 4 where something is refused, and with 5 where the inside of the cluster is not known
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) fn run(args: &PlanArgs) -> Result<(), Stop> {
    block_on(async {
        let live = Live::find(&args.live, Recorder::looking()).await?;
        live.usable().await?;
        show(&live, args.live.json, args.detailed_exitcode)
    })
}

/// Shows the plan. With `detailed` the exit code says whether there is something to do.
pub(super) fn show(live: &Live, json: bool, detailed: bool) -> Result<(), Stop> {
    let plan = live.plan();
    if json {
        out(live.document(
            "plan",
            json!({ "resources": plan.rows, "counts": plan.counts(), "given": live.given }),
        ));
    } else {
        out(live.title());
        out(plan.text().trim_end());
        if !live.given.is_empty() {
            out(format_args!("beside the settings, by s3-csi add: {}", live.given.join(", ")));
        }
        if let Some(why) = &live.unknown {
            out(format_args!("{UNKNOWN}: {why}"));
        }
    }
    match detailed {
        true if live.unknown.is_some() => Err(Exit::Aws),
        true if plan.refuses() => Err(Exit::Refused),
        true if !plan.is_empty() => Err(Exit::Differs),
        true | false => Ok(()),
    }
}
