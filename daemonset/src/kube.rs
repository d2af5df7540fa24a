//! The API server: where it is, who we are, and one connection to it.
//!
//! Five calls, all of them about one object, need no Kubernetes library: `kube` would bring its own pool of connections,
//! a cache of tokens of which it says when they are read again, and a certificate authority that is read once. Here the
//! token is read with every request and the authority with every connection, so rotation is nothing special.

mod client;
mod config;
mod connection;
mod error;
mod kubeconfig;
mod tls;

pub use client::Client;
pub use config::{Config, Identity, Material};
pub use error::Error;
pub use kubeconfig::fuzz;
