//! A pod of the DaemonSet in a real container: umoci unpacks the image, NVIDIA's container runtime adds the devices of
//! the agent's CDI specification, and runc runs it, as on an EKS node.
//!
//! Between the manifest and the runtime stand the kubelet and containerd, which are not run here but in
//! [`crate::kubelet`]: `spec` does what they do, from the DaemonSet as the API server has it, so that what the container may
//! do is seen without them. The system calls that the container may make are containerd's own list.
//! The node is a machine in a folder: the folder is the host's root for volumes, and its `/dev` is the one in which the
//! runtime looks for devices.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot start its container has failed")]

mod capabilities;
mod devices;
mod image;
mod running;
mod spec;
mod volumes;

pub use capabilities::mask;
pub use devices::{NAMED, UNNAMED, boot};
pub use image::Image;
pub use running::{Container, status};
pub use spec::Runtime;
