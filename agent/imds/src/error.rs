//! What can go wrong with IMDS, told to the person on call.

use std::time::Duration;

/// Why a call ended without what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting makes no sense.
    #[error("IMDS client: {name} is {value}; it must be {allowed}")]
    Settings {
        /// The setting.
        name: &'static str,
        /// What it was.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// The HTTP client could not be made.
    #[error("IMDS client: cannot set up HTTP")]
    Http(#[source] reqwest::Error),
    /// The blocking call could not start its runtime.
    #[error("IMDS client: cannot start a runtime on this thread: {0}")]
    Runtime(String),
    /// A task of ours ended without a result.
    #[error("IMDS client: a reading task was lost")]
    Lost(#[source] tokio::task::JoinError),
    /// A path that is not sent, since a URL could not carry it unchanged.
    #[error("IMDS path {path:?} is not asked for: only letters, digits and +-=.,_:@/ are allowed in it")]
    Path {
        /// The path, shortened.
        path: String,
    },
    /// Token requests are forbidden.
    #[error(
        "PUT {url}: status 403 at try {tries} after {elapsed:.1?}: the metadata service is switched off for this \
         instance, or something between forbids it (look at HttpEndpoint in its metadata options, and for proxies)"
    )]
    Disabled {
        /// The token's URL.
        url: String,
        /// Tries made, this one included.
        tries: u32,
        /// Since the call began.
        elapsed: Duration,
    },
    /// A token came that cannot be one. Its text is kept out of the error, since it may be a secret.
    #[error("PUT {url}: the answer is no session token: {problem}")]
    Token {
        /// The token's URL.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A token fresh from the service was refused.
    #[error(
        "GET {url}: status 401 with a session token, and again with a new one, {tries} tries in {elapsed:.1?}"
    )]
    Unauthorized {
        /// What was asked for.
        url: String,
        /// Tries made.
        tries: u32,
        /// Since the call began.
        elapsed: Duration,
    },
    /// A status that trying again will not change.
    #[error("{method} {url}: unexpected status {status} at try {tries} after {elapsed:.1?}")]
    Status {
        /// `PUT` for the token, else `GET`.
        method: &'static str,
        /// What was asked for.
        url: String,
        /// HTTP status.
        status: u16,
        /// Tries made, this one included.
        tries: u32,
        /// Since the call began.
        elapsed: Duration,
    },
    /// The deadline leaves no room for another try.
    #[error("{method} {url}: gave up after {tries} tries in {elapsed:.1?}, deadline {deadline:?}")]
    Deadline {
        /// `PUT` for the token, else `GET`.
        method: &'static str,
        /// What was asked for.
        url: String,
        /// Tries made.
        tries: u32,
        /// Since the call began.
        elapsed: Duration,
        /// What was allowed.
        deadline: Duration,
        /// How the last try failed.
        #[source]
        last: Failure,
    },
    /// The answer is longer than anything IMDS says there.
    #[error("GET {url}: the answer is longer than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// Bytes allowed.
        limit: usize,
    },
    /// Every instance has this path, and this one does not.
    #[error("GET {url}: not found, though every instance has it")]
    Missing {
        /// What was asked for.
        url: String,
    },
    /// A value that is not what the path promises.
    #[error("GET {url}: got {value}; expected {expected}")]
    Value {
        /// What was asked for.
        url: String,
        /// What came, escaped and shortened.
        value: String,
        /// What should have come.
        expected: &'static str,
    },
    /// The identity document cannot be read.
    #[error("GET {url}: not an identity document")]
    Document {
        /// What was asked for.
        url: String,
        /// Where it breaks.
        #[source]
        source: serde_json::Error,
    },
}

/// How one try failed, in a way that another try may mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// No connection: refused, no route, or the connect time-out.
    #[error("cannot connect")]
    Connect(#[source] reqwest::Error),
    /// The time for the try ran out, perhaps before there was a connection.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// There was a connection, but no whole answer in time.
    #[error("connected, but no whole answer within {0:?}")]
    Silent(Duration),
    /// There was a connection, but the token did not come. The hop limit acts on the token's answer only, so
    /// this is how a limit that is too low looks like from a container network.
    #[error(
        "connected, but no token within {0:?}: the hop limit for token answers may be too low for where this \
         runs (HttpPutResponseHopLimit in the instance's metadata options; 1 reaches the host network only)"
    )]
    TokenSilent(Duration),
    /// Too busy, or out of order for now.
    #[error("status {0}")]
    Status(u16),
    /// The connection broke, or what came is not HTTP.
    #[error("the answer broke off or is not HTTP")]
    Broken(#[source] reqwest::Error),
    /// Other requests of the same call had used up its time.
    #[error("no time was left for a try")]
    NotTried,
}
