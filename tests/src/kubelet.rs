//! A node with a real kubelet and a real containerd: the DaemonSet's pod as the cluster's own controllers make it, from
//! the manifest to its processes.
//!
//! The machine is a folder, as elsewhere in this bed: its `/etc`, `/usr/bin` and `/dev` are laid over those of the node's
//! programs, and the DaemonSet's two volumes of the host name the folder in place of `/`, since the kubelet and
//! containerd need the real `/proc` and `/sys`. Played are: the network of services, by addresses of loopback from which
//! a thread goes on to the API server and the metadata service; systemd, in place of whose cgroups are plain ones; the
//! pause image, which is busybox.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot start its node has failed")]

mod images;
mod joined;
mod place;
mod pod;
mod settings;

pub use joined::Joined;
pub use place::Place;
pub use pod::Running;
