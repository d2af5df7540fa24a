//! Puts the layers on top of each other.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::input::Input;
use super::kind::Kind;
use super::layer::Assignment;
use super::mistake::{Errors, Mistake};
use super::node::NodeSpec;
use super::provenance::{Provenance, Row};
use super::settings::{ALL, Setting};
use super::source::Source;

/// The values so far: by path, and by name inside a table.
#[derive(Default)]
pub(super) struct Merged(BTreeMap<(&'static str, Option<String>), (Value, Source)>);

impl Merged {
    /// The defaults of the table.
    pub(super) fn defaults(errors: &mut Errors) -> Self {
        let mut merged = Self::default();
        for setting in ALL {
            let Some(default) = setting.default else { continue };
            match Input::from_text(&setting.kind, default) {
                Ok(input) => {
                    merged.assign(Assignment { setting, name: None, input, source: Source::Default }, errors);
                }
                Err(problem) => errors.add(|| Mistake::new(Source::Default, setting.path, problem)),
            }
        }
        merged
    }

    /// Checks and takes a value; a table is taken name by name, so that layers add to each other.
    pub(super) fn assign(&mut self, assignment: Assignment, errors: &mut Errors) {
        let Assignment { setting, name, input, source } = assignment;
        match (name, input) {
            (None, Input::Table(entries)) if matches!(setting.kind, Kind::Table { .. }) => {
                for (name, input) in entries {
                    self.put(setting, Some(name), &input, source.clone(), errors);
                }
            }
            (name, input) => self.put(setting, name, &input, source, errors),
        }
    }

    fn put(
        &mut self,
        setting: &'static Setting,
        name: Option<String>,
        input: &Input,
        source: Source,
        errors: &mut Errors,
    ) {
        let checked = match &name {
            Some(name) => setting.kind.check_entry(name, input),
            None => setting.kind.check(input),
        };
        match checked {
            Ok(value) => {
                self.0.insert((setting.path, name), (value, source));
            }
            Err(problem) => errors.add(|| Mistake {
                value: Some(input.shown()),
                allowed: Some(setting.kind.allowed()),
                ..Mistake::new(source, path_of(setting, name.as_deref()), problem)
            }),
        }
    }

    /// The values as the typed configuration.
    pub(super) fn spec(&self) -> serde_json::Result<NodeSpec> {
        let mut root = Map::new();
        for setting in ALL {
            let value = match setting.kind {
                Kind::Table { .. } => Some(Value::Object(self.entries(setting).collect())),
                _ => self.0.get(&(setting.path, None)).map(|(value, _)| value.clone()),
            };
            let (section, name) = setting.path.split_once('.').unwrap_or(("", setting.path));
            let group = match section {
                "" => &mut root,
                section => match root.entry(section).or_insert_with(|| Value::Object(Map::new())) {
                    Value::Object(group) => group,
                    _ => continue,
                },
            };
            group.extend(value.map(|value| (name.to_owned(), value)));
        }
        serde_json::from_value(Value::Object(root))
    }

    fn entries(&self, setting: &Setting) -> impl Iterator<Item = (String, Value)> {
        self.rows_of(setting).filter_map(|(name, value, _)| Some((name?.to_owned(), value.clone())))
    }

    /// The values that are not built in: path, name inside a table, value; in a fixed order.
    pub(super) fn written(&self) -> impl Iterator<Item = (&'static str, Option<&str>, &Value)> {
        let given = self.0.iter().filter(|(_, (_, source))| *source != Source::Default);
        given.map(|((path, name), (value, _))| (*path, name.as_deref(), value))
    }

    fn rows_of(&self, setting: &Setting) -> impl Iterator<Item = (Option<&str>, &Value, &Source)> {
        let path = setting.path;
        self.0
            .range((path, None)..)
            .take_while(move |((found, _), _)| *found == path)
            .map(|((_, name), (value, source))| (name.as_deref(), value, source))
    }

    /// The values with where each came from, in the order of the table.
    pub(super) fn provenance(&self) -> Provenance {
        let mut rows = Vec::new();
        for setting in ALL {
            let first = rows.len();
            rows.extend(self.rows_of(setting).map(|(name, value, source)| Row {
                path: path_of(setting, name),
                value: value.clone(),
                source: source.clone(),
            }));
            if rows.len() == first {
                let value = match setting.kind {
                    Kind::Table { .. } => Value::Object(Map::new()),
                    _ => Value::Null,
                };
                rows.push(Row { path: setting.path.to_owned(), value, source: Source::Default });
            }
        }
        Provenance { rows }
    }
}

/// As `--set` takes it, with quotes where a name holds what no name should.
fn path_of(setting: &Setting, name: Option<&str>) -> String {
    match name {
        None => setting.path.to_owned(),
        Some(name) if name.bytes().all(|byte| byte.is_ascii_graphic()) && name.len() <= 253 => {
            format!("{}.{name}", setting.path)
        }
        Some(name) => format!("{}.{:?}", setting.path, name.chars().take(120).collect::<String>()),
    }
}
