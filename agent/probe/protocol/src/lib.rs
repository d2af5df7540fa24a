//! The language between `gpunode-probe`, which loads NVML and libfabric, and the static programs, which never do.
//!
//! The probe is carried inside the program that starts it, so both ends are always of one build; the version in
//! [`message::Hello`] is checked all the same, since a wrong program can be started by mistake.

pub mod fabric;
#[cfg(feature = "wire")]
pub mod frame;
pub mod gpu;
pub mod library;
pub mod message;
pub mod plugin;
pub mod reading;

pub use reading::Reading;

/// The version of this protocol. Every change of a message's shape raises it.
pub const VERSION: u16 = 3;
