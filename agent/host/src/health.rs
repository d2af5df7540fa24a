//! What is wrong with the devices of this node, over time.
//!
//! Sources are looked at by others; this module gets what they saw, with the time, and keeps the findings: rules are
//! pure functions from what was seen to [`Sighting`]s, and the [`Engine`] decides when a sighting becomes a finding
//! and when a finding goes away.

mod engine;
#[cfg(test)]
mod fixtures;
pub mod judge;
mod present;
pub mod report;
pub mod rule;
pub mod rules;
mod sighting;
mod source;
mod state;
mod subject;
mod time;

pub use engine::{Change, Engine, Saved};
pub use present::Present;
pub use rule::Rule;
pub use sighting::Sighting;
pub use source::Source;
pub use state::{EfaDevice, Health, Known, Libfabric, Nvml, Port, Seen, Setup, Wants};
pub use subject::{EfaName, GpuName, Kind, Subject};
pub use time::Now;
