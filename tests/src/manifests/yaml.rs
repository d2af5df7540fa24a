//! YAML documents as JSON values, so that two texts can be compared by what they say.

use saphyr::{LoadableYamlNode as _, YamlOwned};
use serde_json::{Map, Number, Value};

/// Every document that says something.
pub fn objects(text: &str) -> Result<Vec<Value>, String> {
    let documents = YamlOwned::load_from_str(text).map_err(|error| error.to_string())?;
    Ok(documents.iter().map(value).filter(|value| !value.is_null()).collect())
}

fn value(node: &YamlOwned) -> Value {
    if let Some(map) = node.as_mapping() {
        let pairs = map.iter().map(|(key, it)| (key.as_str().unwrap_or_default().to_owned(), value(it)));
        return Value::Object(pairs.collect::<Map<_, _>>());
    }
    if let Some(list) = node.as_vec() {
        return Value::Array(list.iter().map(value).collect());
    }
    if let YamlOwned::Tagged(_, node) = node {
        return value(node);
    }
    let boolean = node.as_bool().map(Value::Bool);
    let number = || node.as_integer().map(Value::from);
    let float = || node.as_floating_point().and_then(Number::from_f64).map(Value::Number);
    let text = || node.as_str().map(Value::from);
    boolean.or_else(number).or_else(float).or_else(text).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn the_same_said_in_two_ways_is_the_same() {
        let block = "a: 1\nb:\n  - x\n  - \"1\"\nc: true\n---\n---\nd: >-\n  two\n  words\n";
        let flow = "{a: 1, b: [x, '1'], c: true}\n---\nd: two words\n";
        assert_eq!(super::objects(block).unwrap(), super::objects(flow).unwrap());
        assert_eq!(super::objects(flow).unwrap()[0], json!({"a": 1, "b": ["x", "1"], "c": true}));
        assert!(super::objects("a: [").is_err());
    }
}
