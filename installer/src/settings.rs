//! The installer's settings: `.env` under the process environment, checked all at once.
//!
//! The names that both sides know (`GPU_INSTANCE_TYPE`, `NCCL_VERSION`, …) have the node's own forms; `GPUNODE_…`
//! variables are the node's and are checked by its rules.

mod choices;
mod cross;
mod example;
mod form;
mod load;
mod table;
#[cfg(test)]
mod tests;
mod values;

pub use choices::{Capacity, DaemonsetDevices, Devices, NodeGroupKind};
pub use example::example;
pub use load::{File, Loaded, load};
pub use table::{Preset, SECTIONS, Section, Setting, all};
pub use values::{Settings, Size};
