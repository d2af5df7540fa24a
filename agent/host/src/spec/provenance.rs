//! Every value with where it came from, for `config show`.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use super::source::Source;

/// Every value with where it came from, in the order of the settings table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Provenance {
    /// One row for each setting; for a table, one for each name in it, or one for the empty table.
    pub rows: Vec<Row>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Path of the setting, as `--set` takes it.
    pub path: String,
    /// The value; null where it is not set.
    pub value: Value,
    /// Where it came from.
    pub source: Source,
}

impl Provenance {
    /// Where the value of `path` came from.
    pub fn source_of(&self, path: &str) -> Option<&Source> {
        self.rows.iter().find(|row| row.path == path).map(|row| &row.source)
    }

    /// A table for people: path, value and source, in columns.
    pub fn table(&self) -> String {
        let shown: Vec<_> = self.rows.iter().map(|row| (row, shown(&row.value))).collect();
        let paths = shown.iter().map(|(row, _)| row.path.chars().count()).max().unwrap_or_default();
        // One long value must not push every source off the screen.
        let values = shown.iter().map(|(_, value)| value.chars().count()).max().unwrap_or_default().min(48);
        let mut table = String::new();
        for (row, value) in shown {
            // Writing to a String cannot fail.
            let _ = writeln!(table, "{:paths$}  {value:values$}  {}", row.path, row.source);
        }
        table
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(not set)".to_owned(),
        value => value.to_string(),
    }
}
