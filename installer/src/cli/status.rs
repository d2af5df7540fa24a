//! `installer status`.

use serde_json::{Value, json};

use super::live::{Live, LiveArgs, UNKNOWN, block_on};
use super::{Stop, out};
use crate::aws::Recorder;
use crate::desired::{Change, Row};
use crate::exit::Exit;
use crate::things::Look;

#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    live: LiveArgs,
}

/// One word for how a thing is.
fn word(row: &Row, look: Option<&Look>) -> &'static str {
    match &row.change {
        Change::Nothing if look.is_some_and(|look| look.pending.is_some()) => "changing",
        Change::Nothing if look.is_some_and(|look| look.sick) => "sick",
        Change::Nothing => "ok",
        Change::Create => "missing",
        Change::Update { .. } => "differs",
        Change::Delete => "unwanted",
        Change::Refuse { .. } => "refused",
    }
}

pub(super) fn run(args: &StatusArgs) -> Result<(), Stop> {
    block_on(async {
        let live = Live::find(&args.live, Recorder::looking()).await?;
        show(&live, args.live.json, |_| true)
    })
}

/// Shows each row that `shown` lets through, and says in the exit code whether all are as they must be.
pub(super) fn show(live: &Live, json: bool, shown: impl Fn(&Row) -> bool) -> Result<(), Stop> {
    let plan = live.plan();
    let mut fine = true;
    let mut rows = Vec::new();
    for row in plan.rows.iter().filter(|row| (row.wanted || row.change != Change::Nothing) && shown(row)) {
        let look = live.looks.get(&row.id);
        let word = word(row, look);
        fine &= word == "ok";
        let note = look.and_then(|look| look.note.clone());
        rows.push((word, row, note));
    }
    if json {
        let value = |(word, row, note): &(&str, &Row, Option<String>)| json!({ "id": row.id, "kind": row.kind, "status": word, "note": note });
        out(live.document("status", json!({ "resources": rows.iter().map(value).collect::<Vec<Value>>() })));
    } else {
        out(live.title());
        for (word, row, note) in &rows {
            out(format!("{word:<9} {:<24} {} {}", row.kind, row.id, note.as_deref().unwrap_or_default())
                .trim_end());
        }
        if let Some(why) = &live.unknown {
            out(format_args!("{UNKNOWN}: {why}"));
        }
    }
    if live.unknown.is_some() {
        return Err(Exit::Aws);
    }
    if fine { Ok(()) } else { Err(Exit::Differs) }
}
