//! Machines with a real dnf or apt: a root that is made once from Debian packages, with repositories of small stand-in
//! packages in it, and for every case an overlay over it with the devices of an EC2 instance.
//!
//! Real are the package managers, the signatures, `systemctl` (without a running systemd) and the agent. Stand-ins are
//! the packages, which lay down the files that the agent looks at, and `modprobe`, which shows them in `/proc` and `/sys`
//! of the machine's tree. What `/etc/os-release` says is the case's: the root itself is Debian's in both families.

mod family;
mod machine;
mod root;
mod server;

pub use family::Family;
pub use machine::{KIND, Machine};
pub use server::{Cut, Files};
