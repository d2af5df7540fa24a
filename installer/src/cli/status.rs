//! `installer status`.

use serde_json::{Value, json};

use super::live::{Live, LiveArgs};
use super::talk::{UNKNOWN, block_on};
use super::{Stop, out};
use crate::aws::Recorder;
use crate::desired::{Change, Row};
use crate::exit::Exit;
use crate::things::word;

#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    live: LiveArgs,
}

/// How one thing is.
pub(super) struct State {
    pub(super) word: &'static str,
    row: Row,
    note: Option<String>,
}

impl State {
    /// Of something that nobody makes, and that is not as it must be.
    pub(super) fn sick(id: &str, kind: &'static str, note: String) -> Self {
        let row = Row { id: id.to_owned(), kind, wanted: true, change: Change::Nothing };
        Self { word: "sick", row, note: Some(note) }
    }

    pub(super) fn value(&self) -> Value {
        json!({ "id": self.row.id, "kind": self.row.kind, "status": self.word, "note": self.note })
    }

    pub(super) fn line(&self) -> String {
        let note = self.note.as_deref().unwrap_or_default();
        let line = format!("{:<9} {:<24} {} {note}", self.word, self.row.kind, self.row.id);
        line.trim_end().to_owned()
    }
}

/// How each thing is that must be there, or is there and must not.
pub(super) fn states(live: &Live) -> Vec<State> {
    let rows = live.plan().rows.into_iter().filter(|row| row.wanted || row.change != Change::Nothing);
    let state = |row: Row| {
        let look = live.looks.get(&row.id);
        State { word: word(&row.change, look), note: look.and_then(|look| look.note.clone()), row }
    };
    rows.map(state).collect()
}

pub(super) fn run(args: &StatusArgs) -> Result<(), Stop> {
    block_on(async {
        let live = Live::find(&args.live, Recorder::looking()).await?;
        show(&live, args.live.json, |_| true)
    })
}

/// Shows each row that `shown` lets through, and says in the exit code whether all are as they must be.
pub(super) fn show(live: &Live, json: bool, shown: impl Fn(&Row) -> bool) -> Result<(), Stop> {
    let mut states = states(live);
    states.retain(|state| shown(&state.row));
    if json {
        let all: Vec<Value> = states.iter().map(State::value).collect();
        out(live.document("status", json!({ "resources": all })));
    } else {
        out(live.title());
        for state in &states {
            out(state.line());
        }
        if let Some(why) = &live.unknown {
            out(format_args!("{UNKNOWN}: {why}"));
        }
    }
    if live.unknown.is_some() {
        return Err(Exit::Aws);
    }
    if states.iter().all(|state| state.word == "ok") { Ok(()) } else { Err(Exit::Differs) }
}
