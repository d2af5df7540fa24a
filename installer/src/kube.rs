//! The way to a cluster's API server: where it is, who we are, and bounded requests over connections that are kept.
//!
//! What is asked is a handful of objects by name, which needs no Kubernetes library: the AWS SDK's own HTTP client is
//! in the program already.

mod access;
mod client;
mod exec;
mod kubeconfig;
mod list;
mod path;
mod token;
pub(crate) mod yaml;

pub use access::{Access, AccessError, Identity};
pub use client::Client;
pub use path::{UnknownKind, path};
pub use token::EksToken;
