//! What a run would do, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::{Change, Graph, Resource, Seen, diff};

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
    /// Whether it must be there.
    pub wanted: bool,
    /// What would be done.
    #[serde(flatten)]
    pub change: Change,
}

impl Plan {
    /// The plan for `graph` on behalf of `owner`; what is not in `seen` is absent. What is removed comes last.
    pub fn new(graph: &Graph, seen: &BTreeMap<String, Seen>, owner: &str) -> Self {
        let row = |resource: &Resource| {
            let change = diff(resource, seen.get(&resource.id).unwrap_or(&Seen::Absent), owner);
            Row { id: resource.id.clone(), kind: resource.kind, wanted: resource.wanted, change }
        };
        let wanted = graph.iter().filter(|resource| resource.wanted);
        let unwanted = graph.iter().rev().filter(|resource| !resource.wanted);
        Self { rows: wanted.chain(unwanted).map(row).collect() }
    }

    /// Whether something belongs to others, or cannot become what it must be.
    pub fn refuses(&self) -> bool {
        self.rows.iter().any(|row| matches!(row.change, Change::Refuse { .. }))
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(|row| row.change == Change::Nothing)
    }

    /// A line for each change, `+` for new, `~` for changed with what differs, `-` for removed, `!` for refused; then
    /// the counts.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for Row { id, change, .. } in &self.rows {
            // Writing to a String cannot fail.
            let _ = match change {
                Change::Nothing => Ok(()),
                Change::Create => writeln!(text, "+ {id}"),
                Change::Update { differences } => writeln!(text, "~ {id}").and_then(|()| {
                    differences.iter().try_for_each(|found| {
                        writeln!(text, "    {}: {} -> {}", found.path, found.from, found.to)
                    })
                }),
                Change::Delete => writeln!(text, "- {id}"),
                Change::Refuse { reason } => writeln!(text, "! {reason}"),
            };
        }
        let Counts { create, update, delete, refuse, same } = self.counts();
        let _ = writeln!(
            text,
            "{create} to create, {update} to change, {delete} to remove, {refuse} refused, {same} as they must be"
        );
        text
    }

    /// How many of each; what must not be there and is not is not counted.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in &self.rows {
            match row.change {
                Change::Nothing => counts.same += usize::from(row.wanted),
                Change::Create => counts.create += 1,
                Change::Update { .. } => counts.update += 1,
                Change::Delete => counts.delete += 1,
                Change::Refuse { .. } => counts.refuse += 1,
            }
        }
        counts
    }
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names of the changes")]
pub struct Counts {
    pub create: usize,
    pub update: usize,
    pub delete: usize,
    pub refuse: usize,
    pub same: usize,
}
