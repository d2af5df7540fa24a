//! Why something with a virtual machine did not work.

use std::path::PathBuf;
use std::time::Duration;

/// Why something with a virtual machine did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Programs are missing on this machine; says how to get them.
    #[error("{0}")]
    Prerequisites(String),
    /// A file of the test bed cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program on this machine failed.
    #[error("{program} failed: {detail}")]
    Program {
        /// Its name.
        program: String,
        /// What it said, or why it could not start.
        detail: String,
    },
    /// The virtual machine was described wrongly.
    #[error("{0}")]
    Description(String),
    /// Something did not happen in time.
    #[error("{what}: not within {within:?}\n{detail}")]
    Deadline {
        /// What was waited for.
        what: String,
        /// How long.
        within: Duration,
        /// Output so far and the end of the console's log.
        detail: String,
    },
    /// The virtual machine ended or restarted while something was waited for.
    #[error("{what}: the virtual machine went away\n{detail}")]
    Gone {
        /// What was waited for.
        what: String,
        /// The end of the console's log.
        detail: String,
    },
    /// A command in the guest failed.
    #[error("`{command}` exited with {exit}\nstdout: {stdout}\nstderr: {stderr}")]
    Command {
        /// The command.
        command: String,
        /// Its exit code; 128 + signal when a signal ended it.
        exit: i32,
        /// What it printed.
        stdout: String,
        /// What it complained about.
        stderr: String,
    },
}

/// Names the path in an error of the standard library.
pub(crate) fn at(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.into();
    move |source| Error::File { path, source }
}
