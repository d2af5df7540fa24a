//! What can go wrong on the way to the API server and back.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// What can go wrong on the way to the API server and back. What it answers is no error here.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the configuration.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The configuration is not of the form it should have, or asks for what is not supported.
    #[error("{what}: {why}")]
    Config {
        /// The file, the variable or the key.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// Certificates or keys.
    #[error("the certificates of {what} cannot be used")]
    Certificates {
        /// The authority, or our own.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No connection.
    #[error("cannot connect to {server}")]
    Connect {
        /// Address and port.
        server: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The connection ended, or what came is no HTTP.
    #[error("the connection to {server} broke")]
    Http {
        /// Address and port.
        server: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer in time.
    #[error("{server} did not answer within {} s", after.as_secs())]
    Late {
        /// Address and port.
        server: String,
        /// How long.
        after: Duration,
    },
}
