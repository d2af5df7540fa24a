//! libfabric's view of EFA: what `fi_getinfo` lists, the same as `fi_info -p efa` prints. No fabric or domain is opened.
//!
//! Meant for a process that asks this one question: libfabric and its providers keep what they allocate, and may crash or
//! hang in the verbs library of any RDMA device. What they see is the environment that the parent gives.

mod list;
mod loading;

use gpunode_probe_protocol::fabric::Interfaces;
use gpunode_probe_protocol::library::Unusable;

/// What `fi_getinfo` lists for the provider `efa`.
pub(crate) fn interfaces() -> Result<Interfaces, Unusable> {
    let library = loading::load()?;
    let file = library.file().map(|file| file.to_string_lossy().into_owned());
    let (code, entries) = list::list(&library);
    Ok(Interfaces { version: library.version(), library: file.unwrap_or_default(), entries, code })
}
