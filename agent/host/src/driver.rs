//! The NVIDIA driver of a node: which build of it, from which packages, and whether anything has to be done at all.
//!
//! Everything here is decided from values: what the machine is ([`Machine`]), what is on it ([`State`]), what the
//! operator wants ([`Wish`]). [`decide`] says what has to be done; once a package manager has said what it offers,
//! [`packages::resolve`] names each package with its exact version.

mod drives;
mod fabric;
pub mod files;
mod flavour;
mod generation;
mod kernel;
mod laid_over;
mod observe;
mod outcome;
pub mod packages;
mod plan;
mod platform;
mod users;
mod wanted;

pub use drives::{Need, Undriven, drives};
pub use fabric::{Fabric, FabricManager};
pub use flavour::{Choice, Modules, OPEN_ONLY_FROM, PeerMemory, choose, peer_memory};
pub use generation::Generation;
pub use kernel::{lacks, needs};
pub(crate) use laid_over::read as carried;
pub use observe::{Observed, headers_present, module_file};
pub use outcome::{Action, Note, Plan, Refusal};
pub use plan::{Machine, Policy, State, Wish, decide};
pub use platform::{Distro, Manager, Platform};
pub use users::{User, users};
pub use wanted::Wanted;

#[cfg(test)]
mod tests;
