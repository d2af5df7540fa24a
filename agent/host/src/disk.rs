//! Data disks: what is there, what is on it, and what may be done with it.
//!
//! # Safety rules
//! A disk that holds data is never formatted. The rules, in the order in which they are applied:
//!
//! 1. **Identity.** Only NVMe disks whose controller says `Amazon EC2 NVMe Instance Storage`, and only where the
//!    configuration asks for instance store; or `Amazon Elastic Block Store` with a volume id that the
//!    configuration names, by id or by device name. Names such as `nvme1n1` change at every boot and prove nothing.
//! 2. **Use.** A disk is refused that is the root disk or lies below any mounted file system (through partitions,
//!    md and dm), is swap, has partitions or holders, or is read-only.
//! 3. **Blank proof.** A disk counts as blank only if no signature is found on it (the table covers what libblkid
//!    knows and more), and the first and last 2 MiB, the places where formats keep spare superblocks, and some 1,200
//!    pieces spread over the disk by chance are all zero; `blank/places.rs` says how sure that is. Instance store
//!    arrives zeroed, and so does a new EBS volume. One byte that is not zero is *unknown data*, and the disk is
//!    refused with the byte's offset.
//! 4. **All or nothing.** If one disk of the set is refused, nothing is built: never a smaller array in silence.
//! 5. **Ours is mounted, never formatted.** A whole XFS labelled `gpunode-data`, alone or on a RAID0 array named
//!    `gpunode` whose members are exactly the disks of the set, is assembled and mounted.
//! 6. **An interrupted creation is done again only with proof.** The record that was written before the first
//!    change must belong to this instance, name exactly these disks by model, serial and size, and be in a phase
//!    before `formatted`; and each disk must be blank, or hold nothing but our array's superblock (by its random
//!    UUID), or an XFS superblock with our random UUID that still says *mkfs in progress*. Everything else is
//!    refused and named.
//! 7. **Instance store and EBS do not mix** in one volume: asking for both is an error of the configuration.
//!
//! This module only reads and decides. Whoever carries a plan out must observe and plan again directly before the
//! first write, write the [`Intent`] durably first, and open each disk with `O_EXCL`, which the kernel refuses
//! while anything else holds it.

pub mod array;
mod blank;
pub mod discover;
#[cfg(test)]
mod forge;
pub mod identity;
pub mod intent;
pub mod mount;
pub mod nvme_id;
pub mod plan;
mod reader;
pub mod signature;
pub mod superblock;
pub mod usage;

pub use array::Array;
pub use blank::Memory;
pub use discover::{Disk, discover};
pub use identity::Identity;
pub use intent::{Intent, Phase};
pub use plan::{VolumeConfig, VolumePlan, plan};
pub use reader::{Device, read_in_turn};
pub use signature::{Probe, probe};
pub use usage::Use;

/// The label of our file system: exactly the twelve bytes that XFS has room for.
pub const LABEL: &str = "gpunode-data";

/// The name of our array in md's metadata; mdadm writes it as `<host>:gpunode`.
pub const ARRAY_NAME: &str = "gpunode";
