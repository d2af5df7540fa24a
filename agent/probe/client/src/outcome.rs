//! What comes back: answers, and why nothing can be asked at all.

use crate::trouble::Trouble;

/// What a request came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T> {
    /// A whole answer.
    Whole(T),
    /// What was known when time was up, and what held up the rest.
    Partial(T, Trouble),
    /// No answer.
    Nothing(Trouble),
}

impl<T> Outcome<T> {
    /// The answer, whole or not.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Whole(value) | Self::Partial(value, _) => Some(value),
            Self::Nothing(_) => None,
        }
    }

    /// What is wrong.
    pub fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::Whole(_) => None,
            Self::Partial(_, trouble) | Self::Nothing(trouble) => Some(trouble),
        }
    }
}

/// Why [`crate::Probe::start`] cannot even prepare.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program's bytes cannot be put where they can be run from.
    #[error("the probe cannot be put in memory ({memory}) nor in {}", .folder.display())]
    Image {
        /// Why not in memory.
        memory: std::io::Error,
        /// The folder that was tried instead.
        folder: std::path::PathBuf,
        /// Why not there.
        source: std::io::Error,
    },
    /// The file that was named cannot be opened.
    #[error("{}", .path.display())]
    Open {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A folder or argument with a zero byte in it.
    #[error("{what} contains a zero byte")]
    Zero {
        /// What.
        what: String,
    },
    /// The thread that starts processes cannot be started.
    #[error("starting a thread")]
    Thread(#[source] std::io::Error),
}
