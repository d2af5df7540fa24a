//! From a file and the environment to settings, with every mistake.

mod node;

use std::collections::{BTreeMap, BTreeSet};

use gpunode_host::spec::settings::nearest as nearest_of;
use gpunode_host::spec::{Errors, Mistake, NodeSpec, Provenance, Row, Source};
use serde_json::Value;

use super::table::{self, Preset, Setting};
use super::{Settings, cross};
use crate::dotenv;

use node::for_node;

/// Settings, and where each came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub settings: Settings,
    /// What the `GPUNODE_…` variables and the shared names make of a node.
    pub node: NodeSpec,
    /// `GPUNODE_…` variables that were given, which the user data hands on.
    pub node_variables: Vec<(String, String)>,
    /// Every value with its source.
    pub provenance: Provenance,
}

/// A file with settings.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Only named in messages.
    pub path: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// The settings that `file` and the variables of `environment`, which win, make over the defaults.
pub fn load(file: Option<File<'_>>, environment: &[(String, String)]) -> Result<Loaded, Errors> {
    let mut reader = Reader::new(environment);
    if let Some(file) = file {
        reader.file(file);
    }
    reader.values();
    reader.finish()
}

/// A value as text.
type Written = (String, Source);

struct Reader {
    /// What the environment and the file say, of settings of ours.
    environment: BTreeMap<&'static str, Written>,
    written: BTreeMap<&'static str, Written>,
    /// `GPUNODE_…` variables.
    node: BTreeMap<String, Written>,
    values: BTreeMap<&'static str, Value>,
    rows: Vec<Row>,
    wrong: BTreeSet<&'static str>,
    errors: Errors,
}

impl Reader {
    fn new(environment: &[(String, String)]) -> Self {
        let mut reader = Self {
            environment: BTreeMap::new(),
            written: BTreeMap::new(),
            node: BTreeMap::new(),
            values: BTreeMap::new(),
            rows: Vec::new(),
            wrong: BTreeSet::new(),
            errors: Errors::default(),
        };
        for (name, value) in environment.iter().filter(|(_, value)| !value.trim().is_empty()) {
            let written = (value.clone(), Source::Env { name: name.clone() });
            if let Some(setting) = find(name) {
                reader.environment.insert(setting.name, written);
            } else if for_node(name) {
                reader.node.insert(name.clone(), written);
            }
        }
        reader
    }

    fn file(&mut self, file: File<'_>) {
        let at = |line| Source::File { path: file.path.to_owned(), line };
        let above = |name: &str| self.environment.get(name).map(|(value, _)| value.clone());
        let document = dotenv::parse(file.text, above);
        for problem in document.problems {
            if let Some(setting) = problem.name.as_deref().and_then(find) {
                self.wrong.insert(setting.name);
            }
            let key = problem.name.unwrap_or_default();
            self.errors.add(|| Mistake::new(at(problem.line), key, problem.what));
        }
        for assignment in document.assignments {
            let written = (assignment.value, at(assignment.line));
            if let Some(setting) = find(&assignment.name) {
                if !written.0.trim().is_empty() {
                    self.written.insert(setting.name, written);
                }
            } else if for_node(&assignment.name) {
                self.node.entry(assignment.name).or_insert(written);
            } else {
                let suggestion = nearest(&assignment.name);
                self.errors.add(|| Mistake {
                    suggestion,
                    ..Mistake::new(written.1, assignment.name, "unknown setting")
                });
            }
        }
    }

    /// Every layer is checked, also where a later one wins; the last one that is right counts.
    fn values(&mut self) {
        for setting in table::all() {
            let layers = [self.written.remove(setting.name), self.environment.remove(setting.name)];
            let mut found = self.default(setting);
            for (text, source) in layers.into_iter().flatten() {
                match setting.kind.read(&text) {
                    Ok(value) => found = (value, source),
                    Err(problem) => {
                        self.wrong.insert(setting.name);
                        self.errors.add(|| Mistake {
                            value: Some(shown(&text)),
                            allowed: Some(setting.kind.allowed()),
                            ..Mistake::new(source, setting.name, problem)
                        });
                    }
                }
            }
            let (value, source) = found;
            if value.is_null() && setting.default == Preset::Required && self.wrong.insert(setting.name) {
                self.errors.add(|| Mistake {
                    allowed: Some(setting.kind.allowed()),
                    ..Mistake::new(Source::Default, setting.name, "must be set")
                });
            }
            self.rows.push(Row { path: setting.name.to_owned(), value: value.clone(), source });
            self.values.insert(setting.name, value);
        }
    }

    fn default(&self, setting: &Setting) -> (Value, Source) {
        match setting.default {
            Preset::Required | Preset::None => (Value::Null, Source::Default),
            // Tests read every default.
            Preset::Is(text) => (setting.kind.read(text).unwrap_or_default(), Source::Default),
            Preset::Same(other) => {
                let row = self.rows.iter().find(|row| row.path == other);
                row.map_or((Value::Null, Source::Default), |row| (row.value.clone(), row.source.clone()))
            }
        }
    }

    fn finish(mut self) -> Result<Loaded, Errors> {
        let node = self.node_spec();
        // A setting that has to be there and is not must not hide what is wrong with the others.
        let filled = self.values.iter().map(|(name, value)| {
            let required = table::all().any(|s| s.name == *name && !matches!(s.default, Preset::None));
            let missing = value.is_null() && required && !matches!(*name, "GPU_SUBNET_B" | "GPU_SUBNET_C");
            ((*name).to_owned(), if missing { Value::String(String::new()) } else { value.clone() })
        });
        let settings: Settings = match serde_json::from_value(Value::Object(filled.collect())) {
            Ok(settings) => settings,
            // Tests hold the table and the type together, so this is for the one case they missed.
            Err(error) => {
                self.errors
                    .add(|| Mistake::new(Source::Default, "", format!("the values do not fit: {error}")));
                return Err(self.errors);
            }
        };
        for mistake in cross::check(&settings, &self.wrong, &self.rows) {
            self.errors.add(|| mistake);
        }
        match node {
            Some(node) if self.errors.is_empty() => Ok(Loaded {
                settings,
                node,
                node_variables: self.node.into_iter().map(|(name, (value, _))| (name, value)).collect(),
                provenance: Provenance { rows: self.rows },
            }),
            _ => Err(self.errors),
        }
    }
}

fn find(name: &str) -> Option<&'static Setting> {
    table::all().find(|setting| setting.name == name)
}

fn nearest(name: &str) -> Option<String> {
    nearest_of(name, table::all().map(|setting| setting.name.to_owned()))
}

fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(120).collect::<String>())
}
