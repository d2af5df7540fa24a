//! Asking libfabric.

use std::time::Duration;

use gpunode_probe_protocol::fabric::Interfaces;
use gpunode_probe_protocol::message::{Say, Want};

use super::Probe;
use crate::outcome::Outcome;
use crate::session::unexpected;

/// Variables for the process that asks libfabric.
pub(super) const ENVIRONMENT: [(&str, &str); 2] = [("FI_PROVIDER", "efa"), ("FI_LOG_LEVEL", "warn")];

/// What libfabric lists, with what its log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What it lists.
    pub interfaces: Interfaces,
    /// The last 4 KiB of its warnings: they name the device that hides all others when the list is empty.
    pub said: String,
}

impl Probe {
    /// What libfabric lists for the provider `efa`, seen by a process of its own: it ends with the answer, and gives back
    /// all that libfabric took.
    ///
    /// Besides the settings' variables that process gets `FI_PROVIDER=efa` (other providers would open their devices),
    /// `FI_LOG_LEVEL=warn` (the log says why a list is empty) and, unless [`crate::Settings::gpu_memory`], `FI_HMEM=system`.
    pub fn interfaces(&mut self, deadline: Duration) -> Outcome<Listing> {
        self.ask_once(Want::Interfaces, deadline, |said, session| match said {
            Say::Interfaces(answer) => Ok(Listing { interfaces: answer?, said: session.last_words() }),
            other => Err(unexpected(&other)),
        })
    }
}
