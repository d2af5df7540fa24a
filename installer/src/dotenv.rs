//! Reads `.env` files: `NAME=value` lines with quotes, comments, `export`, and `${NAME}` for an earlier value.
//!
//! | written | value |
//! |---|---|
//! | `A=plain` | up to white space or the end of the line; white space in it needs quotes, as in a shell |
//! | `A='as is'` | everything between the quotes |
//! | `A="quoted"` | the same, with `\"`, `\\`, `\$` and `${NAME}` |
//! | `A=` | empty, which counts as not set |
//!
//! What a shell would do and this does not (commands, `$NAME` without braces, values over several lines) is a mistake
//! and never a literal: a file that is also sourced must mean the same here.

mod line;
#[cfg(test)]
mod tests;

use line::{Line, Piece};

/// Bytes of a file that are read. The commented file that `init` writes has about 6 KiB.
pub const MAX_FILE: usize = 64 * 1024;
/// Bytes of a value after its references are filled in; doubling references would grow without bound.
pub const MAX_VALUE: usize = 4096;
/// Bytes of a name or text that a message repeats.
const SHOWN: usize = 80;

/// One `NAME=value` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Letters, digits and `_`.
    pub name: String,
    /// Without quotes, references filled in.
    pub value: String,
    /// From 1.
    pub line: usize,
}

/// One line that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The name on the left, where there is one.
    pub name: Option<String>,
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// In the order of the file, no name twice.
    pub assignments: Vec<Assignment>,
    /// In the order of the file.
    pub problems: Vec<Problem>,
}

impl Document {
    /// The value of `name`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.find(name).map(|assignment| assignment.value.as_str())
    }

    fn find(&self, name: &str) -> Option<&Assignment> {
        self.assignments.iter().find(|assignment| assignment.name == name)
    }
}

/// Reads `text`. A reference means what `above` says of its name (the process environment, which wins over the file),
/// else the value that the file gave it on an earlier line.
pub fn parse(text: &str, above: impl Fn(&str) -> Option<String>) -> Document {
    let mut document = Document::default();
    if text.len() > MAX_FILE {
        let what = format!("the file has {} bytes; at most {MAX_FILE} are read", text.len());
        document.problems.push(Problem { name: None, line: 1, what });
        return document;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (place, raw) in text.lines().enumerate() {
        let line = place + 1;
        match line::parse(raw) {
            Ok(None) => {}
            Ok(Some(read)) => add(&mut document, line, read, &above),
            Err((name, what)) => document.problems.push(Problem { name, line, what }),
        }
    }
    document
}

fn add(document: &mut Document, line: usize, read: Line, above: &impl Fn(&str) -> Option<String>) {
    let name = read.name;
    let outcome = match document.find(&name) {
        Some(first) => Err(format!("set already on line {}", first.line)),
        None => fill(document, &read.pieces, above),
    };
    match outcome {
        Ok(value) => document.assignments.push(Assignment { name, value, line }),
        Err(what) => document.problems.push(Problem { name: Some(name), line, what }),
    }
}

fn fill(
    document: &Document,
    pieces: &[Piece],
    above: &impl Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let mut value = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => value.push_str(text),
            Piece::Reference(name) => {
                let earlier = || document.value(name).map(str::to_owned);
                let text = above(name).or_else(earlier).ok_or_else(|| {
                    format!("${{{name}}} has no value on an earlier line, nor in the environment")
                })?;
                value.push_str(&text);
            }
        }
        if value.len() > MAX_VALUE {
            return Err(format!("the value has more than {MAX_VALUE} bytes"));
        }
    }
    Ok(value)
}

/// Entry for fuzzers and property tests: `text` as a file.
///
/// # Panics
/// When a name is given twice, a value is longer than it may be, or a line is told twice; no text may bring it about.
pub fn fuzz(text: &str) {
    let document = parse(text, |_| None);
    let lines = text.lines().count();
    let mut seen = std::collections::BTreeSet::new();
    for assignment in &document.assignments {
        assert!(seen.insert(&assignment.name), "{} is there twice", assignment.name);
        assert!(assignment.value.len() <= MAX_VALUE && (1..=lines).contains(&assignment.line));
        assert!(!assignment.value.chars().any(char::is_control), "{:?}", assignment.value);
    }
    assert!(document.assignments.len() + document.problems.len() <= lines.max(1));
}
