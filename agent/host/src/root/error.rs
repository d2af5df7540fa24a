//! What can be wrong with a tree.

use std::io;
use std::path::PathBuf;

/// A file that could not be read, with the path that was tried.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}")]
pub struct ReadError {
    /// The path as the machine sees it, without the root folder in front.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

impl ReadError {
    /// With the reason, for who has no place for a chain of causes.
    pub fn words(&self) -> String {
        format!("{self}: {}", self.source)
    }
}

/// There is no folder where a tree should begin.
#[derive(Debug, thiserror::Error)]
#[error("{}: no such folder", .0.display())]
pub struct NoFolder(pub PathBuf);
