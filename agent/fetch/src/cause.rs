//! Why one try at one source gave nothing.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Limits, Sha256, openpgp};

/// Why a try failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// No connection: no address for the name, refused, unreachable, a proxy that does not let through.
    #[error("no connection: {0}")]
    Connect(String),
    /// The server is not who it should be.
    #[error("its TLS certificate is not trusted: {0}")]
    Certificate(String),
    /// Redirected too often, or from https to http.
    #[error("{0}")]
    Redirect(String),
    /// The server answered with an error.
    #[error("HTTP status {status}{}", why(*.status))]
    Status {
        /// The status.
        status: u16,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The answer does not fit what was asked for.
    #[error("the server's answer makes no sense: {0}")]
    Answer(String),
    /// What was begun cannot be gone on with: the file has changed meanwhile.
    #[error("the file changed while it was downloaded; it is begun anew")]
    Changed,
    /// Less than [`Limits::LEAST`] bytes in the time given.
    #[error("less than {} bytes came in {} s", Limits::LEAST, idle.as_secs_f64())]
    Stalled {
        /// The time.
        idle: Duration,
    },
    /// The connection ended too early.
    #[error("the connection ended too early: {0}")]
    CutOff(String),
    /// More than is allowed.
    #[error("it has {bytes} bytes{}; at most {max} are allowed", if *.at_least { " or more" } else { "" })]
    TooLarge {
        /// Bytes.
        bytes: u64,
        /// Whether there may be more.
        at_least: bool,
        /// The bound.
        max: u64,
    },
    /// Its checksum is another one.
    #[error("its SHA-256 is {found}, expected is {expected}")]
    Checksum {
        /// What it is.
        found: Sha256,
        /// What it should be.
        expected: Sha256,
    },
    /// It is not signed as it should be.
    #[error("its signature does not hold: {0}")]
    Signature(#[source] openpgp::Error),
    /// The signature or the key could not be had.
    #[error("its {what} cannot be had: {message}")]
    Unsigned {
        /// `signature` or `key`.
        what: &'static str,
        /// Why.
        message: String,
    },
    /// No credentials for S3.
    #[error("no credentials for S3: {0}")]
    Credentials(String),
    /// The source is a file that cannot be read.
    #[error("it cannot be read: {0}")]
    Local(#[source] io::Error),
    /// The disk is full.
    #[error("no space at {}: {needed} bytes more are needed, {free} are free", path.display())]
    NoSpace {
        /// The cache's folder.
        path: PathBuf,
        /// Bytes that are still to come, as far as that is known.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The cache cannot be written.
    #[error("cannot {verb} {}: {source}", path.display())]
    Disk {
        /// What was tried.
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The whole time is over.
    #[error("it was not done within {} s", total.as_secs_f64())]
    Deadline {
        /// The time.
        total: Duration,
    },
    /// It was told to end.
    #[error("it was told to end")]
    Cancelled,
}

/// What a failed try means for the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The same source may do better.
    Again(Option<Duration>),
    /// Only another source can help.
    Mirror,
    /// Nothing helps.
    Nothing,
}

impl Cause {
    pub(crate) fn next(&self) -> Next {
        match self {
            // Too early, too many requests, time-outs and errors of the server pass; what else is said is meant.
            Self::Status { status: 408 | 425 | 429 | 500 | 502..=504, retry_after } => {
                Next::Again(*retry_after)
            }
            Self::Connect(_) | Self::Changed | Self::Stalled { .. } | Self::CutOff(_) => Next::Again(None),
            Self::Status { .. }
            | Self::Certificate(_)
            | Self::Redirect(_)
            | Self::Answer(_)
            | Self::TooLarge { .. }
            | Self::Checksum { .. }
            | Self::Signature(_)
            | Self::Unsigned { .. }
            | Self::Credentials(_)
            | Self::Local(_) => Next::Mirror,
            Self::NoSpace { .. } | Self::Disk { .. } | Self::Deadline { .. } | Self::Cancelled => {
                Next::Nothing
            }
        }
    }

    /// What a person can do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Connect(_) => {
                "check the route, the security group, DNS and the proxy variables; a private subnet needs a NAT \
                 gateway, a VPC endpoint or a mirror"
            }
            Self::Certificate(_) => {
                "check the clock and the host's name; put a company's own authority into the machine's store"
            }
            Self::Status { status: 401 | 403, .. } | Self::Credentials(_) => {
                "check the policy of the bucket and of the instance's role"
            }
            Self::Status { status: 407, .. } => "give the proxy's user and password in its variable",
            Self::Status { status: 404 | 410, .. } => "check the version and the URL",
            Self::Status { .. } | Self::Redirect(_) | Self::Answer(_) | Self::Changed => {
                "try the URL with curl, and look for a proxy in between"
            }
            Self::Stalled { .. } | Self::CutOff(_) | Self::Deadline { .. } => {
                "run again, it goes on where it was; use a mirror that is nearer"
            }
            Self::TooLarge { .. } => "check that the URL names the right file",
            Self::Checksum { .. } | Self::Signature(_) | Self::Unsigned { .. } => {
                "do not use the file; compare the checksum with the publisher's and look for who changed it"
            }
            Self::Local(_) => "check the path and its permissions",
            Self::NoSpace { .. } => "make room or use a larger root volume",
            Self::Disk { .. } => "check that the file system is writable",
            Self::Cancelled => "run again, it goes on where it was",
        }
    }
}

fn why(status: u16) -> &'static str {
    match status {
        401 | 403 => " (not allowed; S3 also says so of what is not there)",
        404 => " (not found)",
        407 => " (the proxy wants a password)",
        410 => " (gone)",
        429 | 503 => " (too many requests)",
        _ => "",
    }
}
