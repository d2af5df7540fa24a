//! The fields of the JSON documents, from their JSON Schemas.

use std::fmt::Write as _;

use gpunode_host::health::report::{WATCH_HEAD, json_schema};
use serde_json::{Map, Value};

/// A description; links of the Rust documentation lead nowhere here.
fn cell(text: &str) -> String {
    super::cell(text).replace("[`", "`").replace("`]", "`")
}

/// Both documents. What they share is told once.
pub(super) fn check_schema() -> String {
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (check, watch) = (parse(&json_schema()), parse(WATCH_HEAD));
    let mut text = String::new();
    part(&mut text, "`check --json`, `inventory --output json`: gpunode.io/check/v1", &check);
    part(&mut text, "`watch --json`, one line each: gpunode.io/watch/v1", &watch);
    for (name, schema) in check["$defs"].as_object().into_iter().flatten() {
        part(&mut text, &format!("`{name}`"), schema);
    }
    text
}

fn part(text: &mut String, title: &str, schema: &Value) {
    let about = schema["description"].as_str().unwrap_or_default();
    let _ = writeln!(text, "### {title}\n\n{}\n", cell(about));
    if let Some(fields) = schema["properties"].as_object() {
        rows(text, schema, fields);
    }
    let Some(choices) = schema["oneOf"].as_array() else { return };
    if choices.iter().all(|choice| choice.get("const").is_some() || choice.get("enum").is_some()) {
        values(text, choices);
        return;
    }
    let _ = writeln!(text, "One of:\n");
    for choice in choices {
        let about = choice["description"].as_str().unwrap_or_default();
        let base =
            choice["$ref"].as_str().map(|path| format!(" and all of {}", link(path))).unwrap_or_default();
        let _ = writeln!(text, "- {}{base}", cell(about));
        for (name, field) in choice["properties"].as_object().into_iter().flatten() {
            let _ = writeln!(text, "  - `{name}`: {}", kind(field));
        }
    }
    text.push('\n');
}

fn rows(text: &mut String, schema: &Value, fields: &Map<String, Value>) {
    let _ = writeln!(text, "| field | type | always | what it is |\n|---|---|---|---|");
    let required = schema["required"].as_array();
    for (name, field) in fields {
        let always = required.is_some_and(|all| all.iter().any(|one| one == name.as_str()));
        let about = cell(field["description"].as_str().unwrap_or_default());
        let always = if always { "yes" } else { "" };
        let _ = writeln!(text, "| `{name}` | {} | {always} | {about} |", kind(field));
    }
    text.push('\n');
}

fn values(text: &mut String, choices: &[Value]) {
    let _ = writeln!(text, "| value | what it means |\n|---|---|");
    for choice in choices {
        let about = cell(choice["description"].as_str().unwrap_or_default());
        let several = choice["enum"].as_array().cloned().unwrap_or_default();
        for value in choice.get("const").into_iter().chain(&several) {
            let _ = writeln!(text, "| `{}` | {about} |", value.as_str().unwrap_or_default());
        }
    }
    text.push('\n');
}

/// The type of a field, in a word or two. A field that can be absent is never `null` instead.
fn kind(field: &Value) -> String {
    if let Some(path) = field["$ref"].as_str() {
        return link(path);
    }
    if let Some(value) = field["const"].as_str() {
        return format!("`{value}`");
    }
    if let Some(choices) = field["anyOf"].as_array() {
        let named = choices.iter().filter(|choice| choice["type"] != "null").map(kind);
        return named.collect::<Vec<_>>().join(" or ");
    }
    let name = match &field["type"] {
        Value::String(name) => name.as_str(),
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("any")
        }
        _ => "any",
    };
    if name == "array" { format!("list of {}", kind(&field["items"])) } else { name.to_owned() }
}

/// GitHub's anchor of a heading is its text in lower case.
fn link(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    format!("[{name}](#{})", name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_is_linked_has_a_heading() {
        let text = check_schema();
        for link in text.split("](#").skip(1).filter_map(|rest| rest.split_once(')')) {
            let heading = format!("\n### `{}`\n", link.0);
            assert!(text.to_lowercase().contains(&heading) || link.0 == "report", "{}", link.0);
        }
        assert!(text.contains("| `verdict` | [Verdict](#verdict) | yes |"), "{text}");
    }
}
