//! `installer destroy`.

use serde_json::json;

use super::apply::{change, report, verdict};
use super::live::{ChangeArgs, Live, LiveArgs};
use super::talk::{MARKS_STAY, NODES_END, block_on, confirm, ends_nodes, leaves_marks, say};
use super::{Stop, out};
use crate::desired::{Outcome, Seen, Task};

#[derive(Debug, clap::Args)]
pub(crate) struct DestroyArgs {
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) fn run(args: &DestroyArgs) -> Result<(), Stop> {
    block_on(async {
        let live = Live::find_all(&args.live, args.change.recorder()?, Task::Destroy).await?;
        remove(&live, args.change.yes, args.live.json).await
    })
}

/// Shows what is ours, asks, removes it and says how it ended.
pub(super) async fn remove(live: &Live, yes: bool, json: bool) -> Result<(), Stop> {
    say(json, live.title());
    let (mut ours, mut nodes, mut marks) = (0, false, false);
    for resource in live.graph.iter().rev() {
        match live.looks.get(&resource.id).map(|look| &look.seen) {
            Some(seen) if live.owns(seen) => {
                ours += 1;
                nodes |= ends_nodes(&resource.id);
                marks |= leaves_marks(&resource.id);
                say(json, format_args!("- {}", resource.id));
            }
            Some(Seen::Present { .. }) => {
                say(json, format_args!("  {} is not ours and stays", resource.id));
            }
            Some(Seen::Absent) | None => {}
        }
    }
    say(json, format_args!("{ours} to remove"));
    if ours == 0 {
        if json {
            out(live.document("result", json!({ "outcomes": {} })));
        }
        return Ok(());
    }
    if nodes {
        say(json, NODES_END);
    }
    if marks {
        say(json, MARKS_STAY);
    }
    confirm("Remove this?", yes)?;
    let mut outcomes = change(live, Task::Destroy).await;
    report(live, &outcomes, json);
    // Others' things are where they belong.
    outcomes.retain(|_, outcome| !matches!(outcome, Outcome::Left(_)));
    verdict(&outcomes)
}
