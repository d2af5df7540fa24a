//! The values of a release.

use serde_json::Value;

/// Names of values that are set and not ours, so that they go when ours are set.
pub(super) fn others(found: &Value, ours: &Value) -> Vec<String> {
    let mut names = Vec::new();
    walk("", found, ours, &mut names);
    names
}

fn walk(path: &str, found: &Value, ours: &Value, names: &mut Vec<String>) {
    let Value::Object(found) = found else { return };
    for (name, inner) in found {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match ours.get(name) {
            Some(ours) => walk(&path, inner, ours, names),
            None => names.push(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_others_are_named() {
        let found = json!({ "a": 1, "b": { "c": 1, "d": 2 }, "e": { "f": 1 } });
        assert_eq!(others(&found, &json!({ "a": 2, "b": { "c": 1 } })), ["b.d", "e"]);
        assert!(others(&Value::Null, &json!({ "a": 1 })).is_empty());
    }
}
