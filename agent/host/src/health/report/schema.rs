//! The JSON Schemas that are checked in are those of the types, and what the types write fits them.
//!
//! `GPUNODE_WRITE_SCHEMAS=1 cargo test -p gpunode-host schema` writes them anew.

use std::path::Path;

use serde_json::Value;

use super::gpu::tests::bare;
use super::tests::{healthy, sick};
use super::{Report, WATCH_HEAD, Watch, WatchEvent, json_schema};
use crate::health::Change;

fn schema<T: schemars::JsonSchema>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a switch of this test, which writes the file that it else compares"
)]
fn compare(file: &str, checked_in: &str, schema: &Value) {
    // On one line: it is carried in the agent.
    let text = serde_json::to_string(schema).unwrap() + "\n";
    if std::env::var("GPUNODE_WRITE_SCHEMAS").is_ok() {
        let path = Path::new("data").join(file);
        std::fs::write(path, &text).unwrap();
        return;
    }
    assert!(checked_in == text, "{file} is not that of the types: see this file's first lines");
}

#[test]
fn schemas_are_those_of_the_types() {
    compare("check.schema.json", &json_schema(), &schema::<Report>());
    let mut watch = schema::<Watch>();
    compare("watch.schema.json", include_str!("../../../data/watch.schema.json"), &watch);
    // Without what it shares with the other.
    watch.as_object_mut().unwrap().remove("$defs");
    compare("watch.head.json", WATCH_HEAD, &watch);
}

#[test]
fn what_is_written_fits_the_schema() {
    let check = jsonschema::validator_for(&schema::<Report>()).unwrap();
    for report in [healthy(), sick(), bare()] {
        let document = serde_json::to_value(&report).unwrap();
        let errors: Vec<_> = check.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    assert!(!check.is_valid(&serde_json::json!({"schema": super::SCHEMA})));
    let watch = jsonschema::validator_for(&schema::<Watch>()).unwrap();
    let sick = sick();
    let finding = sick.findings[0].clone();
    let changes =
        [Change::Appeared(finding.clone()), Change::Altered(finding.clone()), Change::Gone(finding)];
    let source = WatchEvent::Source { source: sick.sources[0].clone() };
    let all =
        changes.map(WatchEvent::from).into_iter().chain([source, WatchEvent::Report { report: sick.into() }]);
    for event in all {
        let line = serde_json::to_value(Watch::new(1, event)).unwrap();
        let errors: Vec<_> = watch.iter_errors(&line).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

/// What the schema says of the field `name` of `object`, without what is said of its absence.
fn field<'a>(schema: &'a Value, object: &'a Value, name: &str) -> Option<&'a Value> {
    let field = object["properties"].get(name)?;
    let field = field["anyOf"].as_array().and_then(|any| any.first()).unwrap_or(field);
    let field = if field["items"].is_object() { &field["items"] } else { field };
    match field["$ref"].as_str() {
        Some(path) => schema.pointer(path.trim_start_matches('#')),
        None => Some(field),
    }
}

#[test]
fn what_is_not_supported_is_the_name_of_a_field_that_can_be_absent() {
    let schema = schema::<Report>();
    let names = bare().gpus.remove(0).not_supported;
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        let mut at = &schema["$defs"]["Gpu"];
        for part in name.split('.') {
            let required = at["required"].as_array().into_iter().flatten().any(|field| field == part);
            let leaf = name.ends_with(part);
            assert!(!(leaf && required), "{name} is always there");
            at = field(&schema, at, part).unwrap_or_else(|| panic!("{name}: no such field"));
        }
    }
}
