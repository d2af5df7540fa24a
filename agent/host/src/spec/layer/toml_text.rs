//! Reads a TOML text.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::super::input::{Input, flatten};
use super::super::kind::Kind;
use super::super::mistake::{Errors, Mistake};
use super::super::settings::{Found, find, is_section, nearest_path};
use super::super::source::Source;
use super::{Assignment, Origin};

/// Bytes of one TOML text; a configuration has one or two thousand.
const MAX_TOML: usize = 1024 * 1024;

pub(super) fn read(origin: &Origin, text: &str, errors: &mut Errors) -> Vec<Assignment> {
    let lines = Lines::of(text);
    if text.len() > MAX_TOML {
        let problem = format!("{} bytes are too many; at most {MAX_TOML} are read", text.len());
        errors.add(|| Mistake::new(origin.at(1), "", problem));
        return Vec::new();
    }
    match DeTable::parse(text) {
        Ok(table) => {
            let mut reader = Reader { origin, lines, errors, assignments: Vec::new() };
            reader.section("", table.get_ref());
            reader.assignments
        }
        Err(error) => {
            let (line, column) = lines.position(text, error.span().map_or(0, |span| span.start));
            let problem = format!("not TOML: {} (column {column})", error.message().replace('\n', ", "));
            errors.add(|| Mistake::new(origin.at(line), "", problem));
            Vec::new()
        }
    }
}

struct Reader<'a> {
    origin: &'a Origin,
    lines: Lines,
    errors: &'a mut Errors,
    assignments: Vec<Assignment>,
}

impl Reader<'_> {
    /// Goes down into known sections only, so its depth is that of the settings table.
    fn section(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = format!("{prefix}{}", key.get_ref());
            // A dot inside a quoted key must not make it another setting's path.
            let found = if key.get_ref().contains('.') { Found::Unknown } else { find(&path) };
            match (found, value.get_ref()) {
                (Found::Setting(setting), DeValue::Table(inner))
                    if matches!(setting.kind, Kind::Table { .. }) =>
                {
                    for leaf in flatten(inner) {
                        let source = self.source(leaf.start);
                        let name = Some(leaf.name);
                        self.assignments.push(Assignment { setting, name, input: leaf.input, source });
                    }
                }
                (Found::Setting(setting), value) => {
                    let source = self.source(start(key));
                    self.assignments.push(Assignment {
                        setting,
                        name: None,
                        input: Input::from_toml(value),
                        source,
                    });
                }
                (Found::Section, DeValue::Table(inner)) => self.section(&format!("{path}."), inner),
                (_, value) => self.unknown(&path, key, value),
            }
        }
    }

    fn unknown(&mut self, path: &str, key: &Spanned<DeString<'_>>, value: &DeValue<'_>) {
        let source = self.source(start(key));
        self.errors.add(|| {
            let shown = shown_path(path);
            if is_quoted_path(key) {
                return Mistake::new(source, shown, "unknown setting; the dots of a path are not quoted");
            }
            if is_section(path) {
                let value = Some(Input::from_toml(value).shown());
                return Mistake {
                    value,
                    ..Mistake::new(source, shown, "a section of settings, not a setting")
                };
            }
            Mistake { suggestion: nearest_path(path), ..Mistake::new(source, shown, "unknown setting") }
        });
    }

    fn source(&self, start: usize) -> Source {
        self.origin.at(self.lines.line(start))
    }
}

fn start(key: &Spanned<DeString<'_>>) -> usize {
    key.span().start
}

fn is_quoted_path(key: &Spanned<DeString<'_>>) -> bool {
    key.get_ref().contains('.')
}

/// Keys of TOML can hold anything, a terminal's escape codes too.
fn shown_path(path: &str) -> String {
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic());
    let short: String = path.chars().take(120).collect();
    if plain { short } else { format!("{short:?}") }
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(after).collect())
    }

    /// The line of byte `at`, from 1.
    fn line(&self, at: usize) -> usize {
        self.0.partition_point(|start| *start <= at)
    }

    /// Line and column of byte `at`, both from 1; columns are characters.
    fn position(&self, text: &str, at: usize) -> (usize, usize) {
        let line = self.line(at);
        let start = self.0.get(line - 1).copied().unwrap_or_default();
        (line, 1 + text.get(start..at).map_or(0, |before| before.chars().count()))
    }
}
