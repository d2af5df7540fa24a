//! Why a download gave nothing.

use std::path::PathBuf;

use crate::{Attempt, Cause};

/// Why a download gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Each source, and what came of it.
    #[error("cannot download: {}; {}", attempts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "), advice(.attempts))]
    Failed {
        /// In the order of the tries; the last one decided the end.
        attempts: Vec<Attempt>,
    },
    /// There is nowhere to download from.
    #[error("cannot download: there is no URL")]
    NoSource,
    /// A source that anybody in between can change.
    #[error("{url}: plain http is used only with a SHA-256; give one, or use https")]
    Plain {
        /// The source.
        url: String,
    },
    /// A proxy that cannot be used.
    #[error("the proxy {url} cannot be used: http:// and https:// proxies are known")]
    Proxy {
        /// Its URL, without the password.
        url: String,
    },
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] Cause),
    /// Another process downloads the same and does not come to an end.
    #[error("another process holds {path} and did not end in time")]
    Busy {
        /// The lock.
        path: PathBuf,
    },
    /// The program cannot make an HTTP client or a runtime.
    #[error("cannot start an HTTP client: {0}")]
    Client(String),
}

/// That of what failed last: the mirrors before it fared no better.
fn advice(attempts: &[Attempt]) -> &'static str {
    attempts.last().map_or("", |attempt| attempt.cause.advice())
}

impl Error {
    /// Whether what was downloaded is not what it should be, which somebody may have done on purpose.
    pub fn is_forged(&self) -> bool {
        let forged = |cause: &Cause| matches!(cause, Cause::Checksum { .. } | Cause::Signature(_));
        match self {
            Self::Failed { attempts } => attempts.iter().any(|attempt| forged(&attempt.cause)),
            Self::Cache(cause) => forged(cause),
            Self::NoSource
            | Self::Plain { .. }
            | Self::Proxy { .. }
            | Self::Busy { .. }
            | Self::Client(_) => false,
        }
    }
}
