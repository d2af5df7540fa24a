//! TOML files of others: read, and changed in single keys with all else kept as it was.

use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, Table, Value};

use super::containerd::Key;

/// Why a TOML file cannot be added to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EditError {
    /// It is not TOML.
    #[error("{path}: line {line}: {message}")]
    Syntax { path: PathBuf, line: usize, message: String },
    /// One of its keys is in the way.
    #[error("{path}: `{key}`: {why}")]
    Key { path: PathBuf, key: String, why: String },
}

impl EditError {
    pub(super) fn key(path: impl Into<PathBuf>, key: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Key { path: path.into(), key: key.into(), why: why.into() }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Syntax { path, .. } | Self::Key { path, .. } => path,
        }
    }
}

pub(super) fn parse(path: &Path, text: &str) -> Result<DocumentMut, EditError> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        EditError::Syntax {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            message: error.message().replace('\n', ", "),
        }
    })
}

/// Sets every key; one that has its value already is left as it is written.
pub(super) fn set_all(file: &Path, document: &mut DocumentMut, keys: &[Key]) -> Result<(), EditError> {
    keys.iter().try_for_each(|(path, value)| set(file, document, path, value))
}

fn set(file: &Path, document: &mut DocumentMut, path: &[&str], value: &Value) -> Result<(), EditError> {
    if difference(document, path, value).is_none() {
        return Ok(());
    }
    let Some((last, tables)) = path.split_last() else {
        return Ok(());
    };
    let mut at: &mut Item = document.as_item_mut();
    for (depth, name) in tables.iter().enumerate() {
        let in_the_way = || EditError::key(file, path[..=depth].join("."), "it must be a table");
        let table = at.as_table_like_mut().ok_or_else(in_the_way)?;
        at = table.entry(name).or_insert_with(|| {
            let mut table = Table::new();
            // No header of its own unless it gets keys of its own.
            table.set_implicit(true);
            Item::Table(table)
        });
        if !at.is_table_like() {
            return Err(in_the_way());
        }
    }
    let in_the_way = || EditError::key(file, tables.join("."), "it must be a table");
    let table = at.as_table_like_mut().ok_or_else(in_the_way)?;
    match table.get_mut(last).and_then(Item::as_value_mut) {
        Some(old) => change(old, value),
        None => {
            table.insert(last, Item::Value(value.clone()));
        }
    }
    Ok(())
}

/// Gives a value in place of the old one; what the operator has in a list, and comments beside the value, stay.
fn change(old: &mut Value, value: &Value) {
    if let (Value::Array(list), Value::Array(wanted)) = (&mut *old, value) {
        let missing: Vec<_> = wanted.iter().filter(|item| !holds(list, item)).cloned().collect();
        list.extend(missing);
        return;
    }
    let decor = old.decor().clone();
    *old = value.clone();
    *old.decor_mut() = decor;
}

fn holds(list: &Array, value: &Value) -> bool {
    list.iter().any(|item| same_form(item) == same_form(value))
}

/// Whether `found` is as good as `wanted`: the same, or a list that has all of it.
fn serves(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Array(found), Value::Array(wanted)) => wanted.iter().all(|item| holds(found, item)),
        _ => same_form(found) == same_form(wanted),
    }
}

/// What is at `path` in place of `value`.
pub(super) fn difference(document: &DocumentMut, path: &[&str], value: &Value) -> Option<String> {
    let found =
        path.iter().try_fold(document.as_item(), |item, name| item.get(name)).and_then(Item::as_value);
    if found.is_some_and(|found| serves(found, value)) {
        return None;
    }
    let found = found.map_or_else(|| "not set".to_owned(), same_form);
    Some(format!("{} is {found}, expected {}", path.join("."), same_form(value)))
}

/// The value without quotes' kind, spacing and comments, so that equal values are equal text.
fn same_form(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("[{}]", list.iter().map(same_form).collect::<Vec<_>>().join(", ")),
        Value::String(text) => format!("{:?}", text.value()),
        Value::Boolean(on) => on.value().to_string(),
        Value::Integer(number) => number.value().to_string(),
        Value::Float(_) | Value::Datetime(_) | Value::InlineTable(_) => value.to_string().trim().to_owned(),
    }
}
