//! What a run would do, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::{Change, Graph, Seen, diff};

/// What a run would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// In the order in which it would be done.
    pub rows: Vec<Row>,
}

/// One resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub id: String,
    /// Its kind.
    pub kind: &'static str,
    /// What would be done.
    #[serde(flatten)]
    pub change: Change,
}

impl Plan {
    /// The plan for `graph` on behalf of `owner`; what is not in `seen` is absent.
    pub fn new(graph: &Graph, seen: &BTreeMap<String, Seen>, owner: &str) -> Self {
        let row = |resource: &super::Resource| {
            let change = diff(resource, seen.get(&resource.id).unwrap_or(&Seen::Absent), owner);
            Row { id: resource.id.clone(), kind: resource.kind, change }
        };
        Self { rows: graph.iter().map(row).collect() }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(|row| row.change == Change::Nothing)
    }

    /// A line for each change, `+` for new, `~` for changed with what differs, `!` for refused; then the counts.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut counts = [0_usize; 4];
        for Row { id, kind, change } in &self.rows {
            // Writing to a String cannot fail.
            match change {
                Change::Nothing => counts[3] += 1,
                Change::Create => {
                    counts[0] += 1;
                    let _ = writeln!(text, "+ {kind} {id}");
                }
                Change::Update { differences } => {
                    counts[1] += 1;
                    let _ = writeln!(text, "~ {kind} {id}");
                    for found in differences {
                        let _ = writeln!(text, "    {}: {} -> {}", found.path, found.from, found.to);
                    }
                }
                Change::Refuse { reason } => {
                    counts[2] += 1;
                    let _ = writeln!(text, "! {reason}");
                }
            }
        }
        let [create, update, refuse, same] = counts;
        let _ = writeln!(
            text,
            "{create} to create, {update} to change, {refuse} refused, {same} as they must be"
        );
        text
    }
}
