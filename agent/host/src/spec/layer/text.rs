//! Reads variables and flags, where everything is text.

use super::super::input::Input;
use super::super::mistake::{Errors, Mistake};
use super::super::settings::{
    ALL, Found, OTHER_VARIABLES, Setting, VARIABLE_PREFIX, find, nearest_path, nearest_variable,
};
use super::super::source::Source;
use super::Assignment;

/// Bytes of one value in a message about its name; the value itself is not repeated.
const SHOWN: usize = 120;

pub(super) fn read_env(variables: &[(String, String)], errors: &mut Errors) -> Vec<Assignment> {
    let mut assignments = Vec::new();
    let by_operator_name = |name: &str| ALL.iter().find(|setting| setting.operator_variable == Some(name));
    for (name, value) in variables {
        if let Some(setting) = by_operator_name(name) {
            push(&mut assignments, errors, setting, None, value, variable(name));
        }
    }
    for (name, value) in variables.iter().filter(|(name, _)| name.starts_with(VARIABLE_PREFIX)) {
        if let Some(setting) = ALL.iter().find(|setting| setting.variable() == *name) {
            push(&mut assignments, errors, setting, None, value, variable(name));
        } else if !OTHER_VARIABLES.contains(&name.as_str()) {
            errors.add(|| {
                let suggestion = nearest_variable(name);
                Mistake { suggestion, ..Mistake::new(variable(name), "", "unknown setting") }
            });
        }
    }
    assignments
}

pub(super) fn read_flags(flags: &[String], errors: &mut Errors) -> Vec<Assignment> {
    let mut assignments = Vec::new();
    for flag in flags {
        let Some((path, value)) = flag.split_once('=') else {
            let problem = format!("{:?} is not path=value", flag.chars().take(SHOWN).collect::<String>());
            errors.add(|| Mistake::new(Source::Flag, "", problem));
            continue;
        };
        let path = path.trim();
        match find(path) {
            Found::Setting(setting) => push(&mut assignments, errors, setting, None, value, Source::Flag),
            Found::Entry(setting, name) => {
                push(&mut assignments, errors, setting, Some(name), value, Source::Flag);
            }
            Found::Section => {
                errors.add(|| Mistake::new(Source::Flag, path, "a section of settings, not a setting"));
            }
            Found::Unknown => errors.add(|| {
                let shown: String = path.chars().take(SHOWN).collect();
                let suggestion = nearest_path(path);
                Mistake { suggestion, ..Mistake::new(Source::Flag, shown, "unknown setting") }
            }),
        }
    }
    assignments
}

fn variable(name: &str) -> Source {
    Source::Env { name: name.to_owned() }
}

/// An entry of a table is one value, whatever it looks like; an empty variable is not set.
fn push(
    assignments: &mut Vec<Assignment>,
    errors: &mut Errors,
    setting: &'static Setting,
    name: Option<String>,
    text: &str,
    source: Source,
) {
    if text.trim().is_empty() && matches!(source, Source::Env { .. }) {
        return;
    }
    let input = match name {
        Some(_) => Ok(Input::Loose(text.trim().to_owned())),
        None => Input::from_text(&setting.kind, text),
    };
    match input {
        Ok(input) => assignments.push(Assignment { setting, name, input, source }),
        Err(problem) => errors.add(|| Mistake {
            value: Some(Input::Loose(text.to_owned()).shown()),
            allowed: Some(setting.kind.allowed()),
            ..Mistake::new(source, setting.path, problem)
        }),
    }
}
