//! The patches of a kustomize component: JSON Patch (RFC 6902), of which the operations that components use.

use serde_json::Value;

/// Applies `operations` to `object`, all of them or an error.
pub(super) fn apply(object: &mut Value, operations: &Value) -> Result<(), String> {
    for operation in operations.as_array().ok_or("a patch that is no list")? {
        let text = |name: &str| operation[name].as_str().unwrap_or_default();
        let (op, path) = (text("op"), text("path"));
        one(object, op, path, &operation["value"]).map_err(|why| format!("{op} {path}: {why}"))?;
    }
    Ok(())
}

fn one(object: &mut Value, op: &str, path: &str, value: &Value) -> Result<(), String> {
    match op {
        "test" => match object.pointer(path) {
            Some(found) if found == value => Ok(()),
            found => Err(format!("{} is not {value}", found.unwrap_or(&Value::Null))),
        },
        "replace" => {
            *object.pointer_mut(path).ok_or("is not there")? = value.clone();
            Ok(())
        }
        "add" => match parent(object, path)? {
            (Value::Array(items), "-") => {
                items.push(value.clone());
                Ok(())
            }
            (Value::Array(items), at) => {
                let at = at.parse().ok().filter(|at| *at <= items.len()).ok_or("is no place in the list")?;
                items.insert(at, value.clone());
                Ok(())
            }
            (Value::Object(entries), name) => {
                entries.insert(name.to_owned(), value.clone());
                Ok(())
            }
            _ => Err("has no list or map above it".to_owned()),
        },
        "remove" => match parent(object, path)? {
            (Value::Array(items), at) => {
                let at = at.parse().ok().filter(|at| *at < items.len()).ok_or("is not there")?;
                items.remove(at);
                Ok(())
            }
            (Value::Object(entries), name) => entries.remove(name).map(drop).ok_or("is not there".to_owned()),
            _ => Err("has no list or map above it".to_owned()),
        },
        _ => Err("an operation that is not known here".to_owned()),
    }
}

/// What holds the last part of `path`, and that part. Names with `/` or `~` are in no path here, so escapes are refused.
fn parent<'a, 'b>(object: &'a mut Value, path: &'b str) -> Result<(&'a mut Value, &'b str), String> {
    let (above, last) = path.rsplit_once('/').filter(|_| !path.contains('~')).ok_or("is no path")?;
    Ok((object.pointer_mut(above).ok_or("has nothing above it")?, last))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_operation_does_what_it_says() {
        let mut object = json!({ "a": ["x", "y"], "b": { "c": 1 } });
        let patch = json!([
            { "op": "test", "path": "/a/1", "value": "y" },
            { "op": "add", "path": "/a/1", "value": "between" },
            { "op": "add", "path": "/a/-", "value": "last" },
            { "op": "remove", "path": "/a/0" },
            { "op": "replace", "path": "/b/c", "value": 2 },
            { "op": "add", "path": "/b/d", "value": true },
        ]);
        apply(&mut object, &patch).unwrap();
        assert_eq!(object, json!({ "a": ["between", "y", "last"], "b": { "c": 2, "d": true } }));
        apply(&mut object, &json!([{ "op": "remove", "path": "/b/d" }])).unwrap();
        assert_eq!(object["b"], json!({ "c": 2 }));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_told() {
        for (op, path, said) in [
            ("test", "/a/0", "\"x\" is not \"z\""),
            ("test", "/b", "null is not \"z\""),
            ("replace", "/b", "is not there"),
            ("remove", "/a/1", "is not there"),
            ("add", "/a/2", "is no place"),
            ("add", "/b/c", "nothing above"),
            ("add", "/a/0/c", "no list or map"),
            ("copy", "/a", "not known"),
        ] {
            let patch = json!([{ "op": op, "path": path, "value": "z" }]);
            let why = apply(&mut json!({ "a": ["x"] }), &patch).expect_err(path);
            assert!(why.starts_with(&format!("{op} {path}: ")) && why.contains(said), "{why}");
        }
    }
}
