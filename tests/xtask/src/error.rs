//! What can go wrong, each naming the command, path or value it is about.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot start `{line}`")]
    Start { line: String, source: io::Error },
    #[error("`{line}`: {status}")]
    Failed { line: String, status: ExitStatus },
    #[error("`{line}` printed something unexpected: {what}")]
    Output { line: String, what: String },
    #[error("cannot {verb} {}", path.display())]
    File { verb: &'static str, path: PathBuf, source: io::Error },
    #[error("{0}")]
    Advice(String),
    #[error("job `{job}` failed")]
    Job { job: &'static str, source: Box<Error> },
    #[error("cannot read the resource usage of child processes")]
    Usage(#[source] nix::Error),
}

impl Error {
    /// For `map_err` on a file operation.
    pub(crate) fn file(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { verb, path, source }
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
