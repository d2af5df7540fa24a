//! Version numbers as drivers, libraries and kernels write them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Longer texts are no version; the longest seen is a kernel release of 40 characters.
const LONGEST: usize = 128;

/// One to four numbers and whatever follows them: `550.127.05`, `2.4.0amzn5.0`, `1.13.2-aws`,
/// `6.1.159-182.297.amzn2023.x86_64`.
///
/// Ordered by the numbers (a missing one counts as 0), then by the suffix as text, no suffix first: the suffixes
/// that occur here are builds of the same version, never pre-releases that would sort before it. Zeroes in front are
/// kept for display (`05`).
#[derive(Clone, Debug)]
pub struct Version {
    text: String,
    numbers: [u32; 4],
    suffix: usize,
}

/// A text that is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a version: {reason}")]
pub struct ParseError {
    /// The text, cut to 128 characters.
    pub value: String,
    /// What is wrong.
    pub reason: &'static str,
}

impl Version {
    /// The numbers, with 0 for those that are not there.
    pub fn numbers(&self) -> [u32; 4] {
        self.numbers
    }

    /// What follows the numbers; empty where nothing does.
    pub fn suffix(&self) -> &str {
        self.text.get(self.suffix..).unwrap_or_default()
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the numbers are those of `major.minor.patch` or higher, whatever the suffix.
    pub fn at_least(&self, major: u32, minor: u32, patch: u32) -> bool {
        self.numbers >= [major, minor, patch, 0]
    }
}

impl FromStr for Version {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fail = |reason| ParseError { value: text.chars().take(LONGEST).collect(), reason };
        if text.len() > LONGEST {
            return Err(fail("longer than 128 bytes"));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(fail("white space or control characters inside"));
        }
        let mut numbers = [0; 4];
        let mut suffix = 0;
        for (index, number) in numbers.iter_mut().enumerate() {
            let rest = text.get(suffix..).unwrap_or_default();
            // A dot belongs to the numbers only when a number follows it.
            let rest = if index == 0 { Some(rest) } else { rest.strip_prefix('.') };
            let Some(rest) = rest.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) else {
                break;
            };
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let value = rest.get(..digits).unwrap_or_default();
            *number = value.parse().map_err(|_| fail("a number is larger than 4294967295"))?;
            suffix = text.len() - rest.len() + digits;
        }
        if suffix == 0 {
            return Err(fail("it does not begin with a number"));
        }
        Ok(Self { text: text.to_owned(), numbers, suffix })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| self.suffix().cmp(other.suffix()))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(&self.text)
    }
}
