//! Why something with the control plane did not work.

use std::path::PathBuf;

/// Why something with the control plane did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program is missing on this machine; says how to get it.
    #[error("{0}")]
    Missing(String),
    /// A file of the test bed cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program failed or could not start.
    #[error("{program}: {detail}")]
    Program {
        /// Its name.
        program: String,
        /// What it said last.
        detail: String,
    },
    /// A key or certificate could not be made or read.
    #[error("certificates: {0}")]
    Certificates(String),
    /// A request got no answer.
    #[error("{method} {path}: {source}")]
    Request {
        /// The HTTP method.
        method: String,
        /// The path with its query.
        path: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// A request got an answer that was not expected.
    #[error("{what}: {detail}")]
    Answer {
        /// What was asked.
        what: String,
        /// What came.
        detail: String,
    },
}

/// Names the path in an error of the standard library.
pub(super) fn at(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.into();
    move |source| Error::File { path, source }
}
