//! The EC2 instance metadata service (IMDS), version 2 only: a client that cannot hang, and a small server.
//!
//! The client never sends a GET without a session token, so it works where version 1 is switched off and gives
//! no answer away to a request that was forged through us. Everything it does ends by a deadline.
//!
//! The server answers with the same paths and rules as EC2, for `gpunode-agent demo` and for test machines.

mod backoff;
mod budget;
mod client;
mod enis;
mod error;
mod exchange;
mod identity;
mod leaf;
mod path;
mod reader;
pub mod server;
mod settings;
mod token;
mod tries;

pub use client::{Client, Fetched, fetch_blocking};
pub use error::{Error, Failure};
pub use reader::Reading;
pub use settings::Settings;

/// Entry for fuzzers: `raw` as a request to the server, and as each kind of text that the client reads.
///
/// # Panics
/// When one of them accepts what the rest of this crate takes for impossible, which no bytes may bring about.
pub fn fuzz(raw: &[u8]) {
    server::fuzz(raw);
    leaf::fuzz(raw);
}
