//! YAML as JSON values: kubeconfig files, and our own manifests.

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value};

/// Every document of `text`.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>, String> {
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    documents.iter().map(value).collect()
}

fn value(yaml: &Yaml<'_>) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(truth)) => (*truth).into(),
        Yaml::Value(Scalar::Integer(number)) => (*number).into(),
        Yaml::Value(Scalar::FloatingPoint(number)) => number.into_inner().into(),
        Yaml::Value(Scalar::String(text)) => text.to_string().into(),
        Yaml::Sequence(items) => Value::Array(items.iter().map(value).collect::<Result<_, _>>()?),
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (name, inner) in entries {
                let name = match value(name)? {
                    Value::String(name) => name,
                    Value::Bool(name) => name.to_string(),
                    Value::Number(name) => name.to_string(),
                    _ => return Err("a name that is no text".to_owned()),
                };
                map.insert(name, value(inner)?);
            }
            Value::Object(map)
        }
        Yaml::Tagged(_, inner) => value(inner)?,
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            return Err("an alias or a value that cannot be read".to_owned());
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_keep_their_types() {
        let read = documents("a: 1\nb: 'true'\nc: true\nd: [x, {e: ~}]\n---\nf: 1.5\n").unwrap();
        assert_eq!(
            read,
            [json!({"a": 1, "b": "true", "c": true, "d": ["x", {"e": null}]}), json!({"f": 1.5})]
        );
        assert!(documents("a: [").is_err());
    }
}
