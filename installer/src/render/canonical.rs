//! JSON in one form: names in order, two spaces, a line feed at the end.

use serde_json::{Map, Value};

pub(super) fn json(value: &Value) -> String {
    format!("{:#}\n", sorted(value))
}

/// Whether serde_json keeps the order of insertion is up to the features of whatever is built beside it.
pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let mut names: Vec<_> = entries.keys().collect();
            names.sort();
            let pairs = names.into_iter().filter_map(|name| Some((name.clone(), sorted(entries.get(name)?))));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
