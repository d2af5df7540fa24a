//! `installer apply`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::live::{ChangeArgs, Live, LiveArgs};
use super::progress::Progress;
use super::talk::{MARKS_STAY, NODES_END, block_on, confirm, ends_nodes, leaves_marks, say};
use super::{Stop, err, out};
use crate::carry_out::carry_out;
use crate::desired::{Change, Outcome, Task};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) fn run(args: &ApplyArgs) -> Result<(), Stop> {
    block_on(async {
        let live = Live::find_all(&args.live, args.change.recorder()?, Task::Apply).await?;
        live.usable().await?;
        bring(&live, args.change.yes, args.live.json).await
    })
}

/// Shows the plan, asks, carries it out and says how it ended.
pub(super) async fn bring(live: &Live, yes: bool, json: bool) -> Result<(), Stop> {
    let plan = live.plan();
    say(json, live.title());
    say(json, plan.text().trim_end());
    let work = |change: &Change| !matches!(change, Change::Nothing | Change::Refuse { .. });
    // What is ours and still becoming is waited for.
    let becoming = live.looks.values().any(|look| look.pending.is_some() && live.owns(&look.seen));
    if !becoming && !plan.rows.iter().any(|row| work(&row.change)) {
        if json {
            out(live.document("result", json!({ "counts": plan.counts(), "outcomes": {} })));
        }
        return if plan.refuses() { Err(Exit::Refused) } else { Ok(()) };
    }
    let removes =
        |what: fn(&str) -> bool| plan.rows.iter().any(|row| row.change == Change::Delete && what(&row.id));
    if removes(ends_nodes) {
        say(json, NODES_END);
    }
    if removes(leaves_marks) {
        say(json, MARKS_STAY);
    }
    confirm("Do this?", yes)?;
    let outcomes = change(live, Task::Apply).await;
    report(live, &outcomes, json);
    verdict(&outcomes)
}

/// Carries out `task`, and shows how it goes on standard error.
pub(super) async fn change(live: &Live, task: Task) -> BTreeMap<String, Outcome> {
    let mut progress = Progress::new(live.things.len());
    let mut tell = |event: crate::carry_out::Event<'_>| progress.tell(&event);
    let outcomes = carry_out(&live.door, &live.things, &live.graph, task, &live.owner, &mut tell).await;
    progress.finish();
    outcomes
}

/// What was changed and what was not, at the end where it is found.
pub(super) fn report(live: &Live, outcomes: &BTreeMap<String, Outcome>, json: bool) {
    let count = |wanted: fn(&Outcome) -> bool| outcomes.values().filter(|outcome| wanted(outcome)).count();
    let changed = count(|outcome| matches!(outcome, Outcome::Changed));
    let rest = count(|outcome| matches!(outcome, Outcome::Failed(_) | Outcome::Skipped(_)));
    let left = count(|outcome| matches!(outcome, Outcome::Left(_)));
    let (reads, writes) = live.door.recorder().calls();
    if json {
        let all: BTreeMap<_, _> = outcomes.iter().map(|(id, outcome)| (id, value(outcome))).collect();
        out(live.document("result", json!({ "outcomes": all })));
        return;
    }
    for (id, outcome) in outcomes {
        match outcome {
            Outcome::Failed(why) => err(format_args!("failed: {id}: {why}")),
            Outcome::Skipped(need) => err(format_args!("skipped: {id}, which waits for {need}")),
            Outcome::Left(why) => err(format_args!("left alone: {why}")),
            Outcome::Changed | Outcome::Unchanged => {}
        }
    }
    out(format_args!(
        "{changed} done, {rest} not done, {left} left alone; {reads} calls looked, {writes} changed something"
    ));
}

fn value(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Unchanged => json!({ "outcome": "unchanged" }),
        Outcome::Changed => json!({ "outcome": "changed" }),
        Outcome::Left(why) => json!({ "outcome": "left", "why": why }),
        Outcome::Failed(why) => json!({ "outcome": "failed", "why": why }),
        Outcome::Skipped(need) => json!({ "outcome": "skipped", "why": need }),
    }
}

/// How the command ends: a failure says more than a refusal, and what was skipped waits for one of the two.
pub(super) fn verdict(outcomes: &BTreeMap<String, Outcome>) -> Result<(), Stop> {
    let any = |wanted: fn(&Outcome) -> bool| outcomes.values().any(wanted);
    if any(|outcome| matches!(outcome, Outcome::Failed(_))) {
        Err(Exit::Aws)
    } else if any(|outcome| matches!(outcome, Outcome::Left(_) | Outcome::Skipped(_))) {
        Err(Exit::Refused)
    } else {
        Ok(())
    }
}
