//! What is wrong with a configuration: all of it at once.

use std::fmt;

use serde::Serialize;

use super::source::Source;
use crate::Finding;
use crate::reason;

/// Mistakes that are kept; the rest is counted. A file that is not ours at all has thousands; every setting of the installer
/// may be wrong at once.
pub const MAX_MISTAKES: usize = 128;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mistake {
    /// Where it is.
    pub source: Source,
    /// The setting's path, or what was written in its place; empty where a whole layer cannot be read.
    pub key: String,
    /// What was written, as TOML.
    pub value: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What is allowed.
    pub allowed: Option<String>,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl Mistake {
    /// With neither value nor advice.
    pub fn new(source: Source, key: impl Into<String>, problem: impl Into<String>) -> Self {
        let (key, problem) = (key.into(), problem.into());
        Self { source, key, value: None, problem, allowed: None, suggestion: None }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.source)?;
        match (self.key.as_str(), &self.value) {
            ("", _) => {}
            (key, Some(value)) => write!(f, "{key} = {value}: ")?,
            (key, None) => write!(f, "{key}: ")?,
        }
        f.write_str(&self.problem)?;
        if let Some(allowed) = &self.allowed {
            write!(f, "; allowed: {allowed}")?;
        }
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean {suggestion}?")?;
        }
        Ok(())
    }
}

/// Every mistake of a configuration, by layer and line; one line of text for each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Errors {
    /// The first [`MAX_MISTAKES`].
    pub mistakes: Vec<Mistake>,
    /// How many more there are.
    pub more: usize,
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, mistake) in self.mistakes.iter().enumerate() {
            let line_end = if place == 0 { "" } else { "\n" };
            write!(f, "{line_end}{mistake}")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl Errors {
    /// One finding for each mistake.
    pub fn findings(&self) -> Vec<Finding> {
        self.mistakes.iter().map(finding).collect()
    }

    /// One more mistake; `make` is not called for mistakes that are only counted.
    pub fn add(&mut self, make: impl FnOnce() -> Mistake) {
        if self.mistakes.len() < MAX_MISTAKES {
            self.mistakes.push(make());
        } else {
            self.more += 1;
        }
    }

    /// Whether there is no mistake.
    pub fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// Puts the mistakes from `first` on, those of one layer, into the order of its lines.
    pub(crate) fn sort_from(&mut self, first: usize) {
        self.mistakes[first..].sort_by_key(|mistake| mistake.source.line());
    }
}

fn finding(mistake: &Mistake) -> Finding {
    let reason = match mistake.source {
        Source::UserData { .. } => &reason::USER_DATA_INVALID,
        Source::Default | Source::File { .. } | Source::Env { .. } | Source::Flag => &reason::CONFIG_INVALID,
    };
    let subject = if mistake.key.is_empty() { mistake.source.to_string() } else { mistake.key.clone() };
    Finding::new(reason, subject, mistake.to_string())
}
