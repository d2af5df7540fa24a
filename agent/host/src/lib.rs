//! The model of a GPU node: what the machine says, what it should be, and the findings between the two.
//!
//! Everything here reads and decides; nothing changes the machine. There is no async runtime, no Kubernetes
//! and no AWS SDK in this crate, so its rules compile and test in seconds.

pub mod boot_report;
pub mod bottlerocket;
pub mod bounded;
mod carried;
pub mod catalog;
mod count;
pub mod disk;
pub mod driver;
pub mod efa;
pub mod finding;
pub mod forward;
pub mod gpu_pci;
pub mod health;
pub mod image;
pub mod kernel_log;
pub mod kubernetes;
pub mod metadata;
mod millis;
pub mod nccl;
pub mod pci_address;
pub mod rdma;
pub mod reason;
pub mod root;
pub mod spec;
pub mod sxid;
mod thread_time;
mod turns;
pub mod user_data;
pub mod versions;
pub mod xid;

pub use count::count;
pub use finding::{Finding, Severity};
pub use millis::millis;
pub use pci_address::PciAddress;
pub use root::{Dir, Root};
pub use thread_time::thread_time;
