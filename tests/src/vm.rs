//! Virtual machines that look like EC2 instances: Debian with systemd and cloud-init on a real kernel, disks with
//! EC2's NVMe identities, EC2's DMI strings, and a metadata service at 169.254.169.254.
//!
//! Everything runs under QEMU's emulation, so no hardware acceleration is needed, on a plain x86-64 Linux as root.
//!
//! ```no_run
//! # fn main() -> Result<(), gpunode_tests::vm::Error> {
//! use gpunode_tests::vm::{Disk, Vm};
//! use std::time::Duration;
//!
//! let mut vm = Vm::builder()
//!     .disk(Disk::instance_store("AWS0A1B2C3D4E5F60718", 4))
//!     .disk(Disk::ebs("vol0123456789abcdef0", 4))
//!     .boot()?;
//! vm.run("mkfs.xfs /dev/disk/by-id/*Instance_Storage_AWS0A1B2C3D4E5F60718", Duration::from_secs(60))?
//!     .ok()?;
//! vm.power_cut()?;
//! # Ok(())
//! # }
//! ```

mod builder;
pub(crate) mod cache;
mod control;
mod cpio;
mod disk;
pub(crate) mod error;
mod guest_program;
mod hardware;
pub(crate) mod image;
mod initramfs;
mod machine;
mod machine_files;
mod output;
mod prerequisites;
pub(crate) mod programs;
mod qemu;
mod qemu_arguments;
pub(crate) mod slots;
mod user_data;

pub use builder::Builder;
pub use disk::Disk;
pub use error::Error;
pub use guest_program::{Profile, guest_program};
pub use machine::{Job, Vm};
pub use output::Output;
pub use prerequisites::prerequisites;
pub use user_data::mime;
