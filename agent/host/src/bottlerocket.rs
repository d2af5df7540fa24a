//! Settings of Bottlerocket, which takes TOML as user data and runs no script: what of our configuration it can do by
//! itself, under its own names (Bottlerocket's settings reference, version 1.60).
//!
//! Bottlerocket brings the NVIDIA driver, the container toolkit, the device plugin, fabric manager and EFA in its image,
//! so our steps have nothing to install there. What reaches the cluster (`cluster-name`, `api-server`,
//! `cluster-certificate`) is added by EKS or Karpenter.

mod from_spec;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The whole document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserData {
    /// All settings.
    pub settings: Settings,
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(rename_all = "kebab-case", deny_unknown_fields)]
            pub struct $name {
                $($(#[$field_doc])* #[serde(default, skip_serializing_if = "is_default")] pub $field: $type),+
            }
        )+
    };
}

tables! {
    /// `settings`, as far as this program writes it.
    Settings {
        /// The kubelet.
        kubernetes: Kubernetes,
        /// The kernel.
        kernel: Kernel,
        /// containerd.
        container_runtime: ContainerRuntime,
        /// containerd's plugins.
        container_runtime_plugins: ContainerRuntimePlugins,
        /// Device plugins of the kubelet.
        kubelet_device_plugins: KubeletDevicePlugins,
        /// Calls of `apiclient` early in a boot, by name, in the order of their names.
        bootstrap_commands: BTreeMap<String, BootstrapCommand>,
        /// Containers that run to their end before the kubelet starts, by name.
        bootstrap_containers: BTreeMap<String, BootstrapContainer>,
    }
    /// The kubelet.
    Kubernetes {
        /// Labels at registration.
        node_labels: BTreeMap<String, String>,
        /// Taints at registration: by key, a list of `value:Effect`.
        node_taints: BTreeMap<String, Vec<String>>,
    }
    /// The kernel.
    Kernel {
        /// sysctls by dotted name; numbers are text, too.
        sysctl: BTreeMap<String, String>,
    }
    /// containerd.
    ContainerRuntime {
        /// `overlayfs` or `soci`; a change counts from the next boot on, and drops the images that are there.
        snapshotter: Option<String>,
    }
    /// containerd's plugins.
    ContainerRuntimePlugins {
        /// SOCI.
        soci_snapshotter: SociSnapshotter,
    }
    /// The SOCI snapshotter.
    SociSnapshotter {
        /// `parallel-pull-unpack` needs no index of an image.
        pull_mode: Option<String>,
        /// Settings of that mode.
        parallel_pull_unpack: ParallelPullUnpack,
    }
    /// How many parts of an image are worked on at the same time; -1 is without bound.
    ParallelPullUnpack {
        /// Of all images.
        max_concurrent_downloads: Option<i64>,
        /// Of one image.
        max_concurrent_downloads_per_image: Option<i64>,
        /// Bytes, with a unit: `16mb`.
        concurrent_download_chunk_size: Option<String>,
        /// Of all images.
        max_concurrent_unpacks: Option<i64>,
        /// Of one image.
        max_concurrent_unpacks_per_image: Option<i64>,
        /// Whether layers are dropped once they are unpacked.
        discard_unpacked_layers: Option<bool>,
    }
    /// Device plugins of the kubelet.
    KubeletDevicePlugins {
        /// NVIDIA's.
        nvidia: Nvidia,
    }
    /// The NVIDIA device plugin, which is part of the image: do not run a second one.
    Nvidia {
        /// Whether the devices stand in the pod's specification, so that CPU manager updates keep them.
        pass_device_specs: Option<bool>,
        /// `index` or `uuid`.
        device_id_strategy: Option<String>,
        /// `volume-mounts`, `envvar` or `cdi-cri`; only the first and the last keep an unprivileged pod from naming GPUs.
        device_list_strategy: Option<String>,
    }
    /// Calls of `apiclient`.
    BootstrapCommand {
        /// Each with its arguments; the first word is `apiclient`.
        commands: Vec<Vec<String>>,
        /// Whether the boot halts when one fails.
        essential: bool,
        /// `always`, `once` or `off`.
        mode: String,
    }
    /// A container that runs to its end at boot.
    BootstrapContainer {
        /// Whether the boot halts when it fails.
        essential: bool,
        /// `always`, `once` or `off`.
        mode: String,
        /// The image.
        source: String,
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Why settings cannot be written as TOML; only a name that TOML has no place for can bring it about.
#[derive(Debug, thiserror::Error)]
#[error("cannot write Bottlerocket's settings")]
pub struct Unwritable(#[from] toml::ser::Error);

impl UserData {
    /// As TOML.
    pub fn toml(&self) -> Result<String, Unwritable> {
        Ok(toml::to_string(self)?)
    }
}
