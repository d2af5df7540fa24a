//! Where a value came from.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "camelCase")]
pub enum Source {
    /// Built in.
    Default,
    /// A configuration file.
    File {
        /// As the caller named it.
        path: String,
        /// From 1.
        line: usize,
    },
    /// A part of the user data.
    UserData {
        /// Its place among all parts, from 1.
        part: usize,
        /// Line of the (inflated) user data, from 1; of the decoded part where `decoded`.
        line: usize,
        /// The part was in base64, quoted-printable or gzip.
        decoded: bool,
    },
    /// An environment variable.
    Env {
        /// Its name.
        name: String,
    },
    /// A `--set` on the command line.
    Flag,
}

impl Source {
    /// Line in a file or in user data.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::File { line, .. } | Self::UserData { line, .. } => Some(*line),
            Self::Default | Self::Env { .. } | Self::Flag => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::UserData { part, line, decoded: false } => write!(f, "user data part {part}, line {line}"),
            Self::UserData { part, line, decoded: true } => {
                write!(f, "user data part {part} (decoded), line {line}")
            }
            Self::Env { name } => write!(f, "environment {name}"),
            Self::Flag => f.write_str("--set"),
        }
    }
}
