//! Downloads for machines that boot: proved before anything uses them, resumed after a cut, mirrored, and bounded in
//! time and size.
//!
//! A file gets a name that others look for only when all of it is there, synced and proved: by a SHA-256, by a
//! detached OpenPGP signature of a pinned key, or by both. Nothing here is async for the caller: an own
//! single-threaded runtime lives for the time of one call.
//!
//! Names are resolved by hickory and not by the C library, whose resolver needs the dynamic loader. Certificates are
//! trusted as the machine's own store says, whose bytes the caller brings (see [`STORES`]): companies put their own
//! authorities there. Where there is no store, no https server is trusted.

mod attempt;
mod cache;
mod cause;
mod download;
mod error;
mod fetcher;
mod http;
pub mod openpgp;
mod pace;
mod partial;
mod pause;
mod proxies;
mod resume;
mod s3;
mod sha256;
mod source;
mod transfer;

pub use attempt::Attempt;
pub use cause::Cause;
pub use download::{Download, Fetched, Limits, Progress, Proof, Signature, Watch};
pub use error::Error;
pub use fetcher::{Fetcher, Settings};
pub use http::STORES;
pub use proxies::Proxies;
pub use sha256::Sha256;
pub use source::{Source, SourceError};
