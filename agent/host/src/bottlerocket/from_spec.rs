//! From our settings to those of Bottlerocket.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    BootstrapCommand, BootstrapContainer, ContainerRuntime, ContainerRuntimePlugins, Kernel,
    KubeletDevicePlugins, Kubernetes, Nvidia, ParallelPullUnpack, Settings, SociSnapshotter, UserData,
};
use crate::spec::{BindTarget, HugePages, InstanceStore, NodeSpec, Soci};

/// Sorts before everybody's: disks come first.
const DISKS: &str = "000-gpunode-disks";
const CHECK: &str = "gpunode-check";

impl UserData {
    /// What Bottlerocket can do of `spec` by itself. `check_image` is an image whose entry point is
    /// `gpunode-agent check`, run at every boot. `efa`: whether the type has EFA, which wants huge pages.
    pub fn from_spec(spec: &NodeSpec, check_image: Option<&str>, efa: bool) -> Self {
        let containers = check_image.map(|source| {
            let container =
                BootstrapContainer { source: source.to_owned(), mode: "always".to_owned(), essential: false };
            (CHECK.to_owned(), container)
        });
        Self {
            settings: Settings {
                kubernetes: Kubernetes {
                    node_labels: spec.kubelet.labels.clone(),
                    node_taints: taints(&spec.kubelet.taints),
                },
                kernel: Kernel { sysctl: sysctls(spec, efa) },
                container_runtime: ContainerRuntime {
                    snapshotter: (spec.container_runtime.soci != Soci::Off).then(|| "soci".to_owned()),
                },
                container_runtime_plugins: ContainerRuntimePlugins {
                    soci_snapshotter: soci(spec.container_runtime.soci),
                },
                kubelet_device_plugins: KubeletDevicePlugins {
                    nvidia: Nvidia {
                        pass_device_specs: Some(true),
                        device_id_strategy: Some("index".to_owned()),
                        device_list_strategy: Some("volume-mounts".to_owned()),
                    },
                },
                bootstrap_commands: disks(spec).map(|disks| (DISKS.to_owned(), disks)).into_iter().collect(),
                bootstrap_containers: containers.into_iter().collect(),
            },
        }
    }
}

/// `key=value:Effect` becomes `value:Effect` under `key`.
fn taints(taints: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for taint in taints {
        let (key, rest) = match taint.split_once('=') {
            Some((key, rest)) => (key, rest.to_owned()),
            // Without a value: `key:Effect`.
            None => taint
                .split_once(':')
                .map_or((taint.as_str(), String::new()), |(key, effect)| (key, format!(":{effect}"))),
        };
        by_key.entry(key.to_owned()).or_default().push(rest);
    }
    by_key
}

/// BBR is left out: nothing says that the kernels of Bottlerocket carry it.
fn sysctls(spec: &NodeSpec, efa: bool) -> BTreeMap<String, String> {
    let mut sysctls = BTreeMap::new();
    if spec.limits.enabled {
        let pages = match spec.limits.hugepages_2mi {
            HugePages::Auto => efa.then_some(HugePages::EFA),
            HugePages::Pages(pages) => Some(pages),
        };
        sysctls.extend(pages.map(|pages| ("vm.nr_hugepages".to_owned(), pages.to_string())));
    }
    if spec.sysctl.enabled {
        let max = spec.sysctl.socket_buffer_max_bytes.to_string();
        let buffers = ["net.core.rmem_max", "net.core.wmem_max"];
        sysctls.extend(buffers.map(|name| (name.to_owned(), max.clone())));
        sysctls.extend(spec.sysctl.extra.clone());
    }
    sysctls
}

/// The same figures as on other systems, see [`Soci`]; of all images together as many as of one, since a GPU node pulls
/// one large image at a time.
fn soci(soci: Soci) -> SociSnapshotter {
    let (parallel, chunk) = match soci {
        Soci::Off => return SociSnapshotter::default(),
        Soci::General => (10, "16mb"),
        Soci::Gpu => (30, "32mb"),
    };
    SociSnapshotter {
        pull_mode: Some("parallel-pull-unpack".to_owned()),
        parallel_pull_unpack: ParallelPullUnpack {
            max_concurrent_downloads: Some(parallel),
            max_concurrent_downloads_per_image: Some(parallel),
            concurrent_download_chunk_size: Some(chunk.to_owned()),
            max_concurrent_unpacks: Some(parallel),
            max_concurrent_unpacks_per_image: Some(parallel),
            discard_unpacked_layers: Some(true),
        },
    }
}

/// Instance-store disks become one volume, onto which the folders are bound; a type without such disks is no error.
fn disks(spec: &NodeSpec) -> Option<BootstrapCommand> {
    let volumes = &spec.data_volumes;
    if !volumes.enabled || volumes.instance_store == InstanceStore::None {
        return None;
    }
    let mut commands = vec![call(["ephemeral-storage", "init", "-t", volumes.filesystem.word()])];
    if !volumes.bind.is_empty() {
        let folders = volumes.bind.iter().map(|target| folder(*target)).collect::<BTreeSet<_>>();
        commands.push(call(["ephemeral-storage", "bind", "--dirs"].into_iter().chain(folders)));
    }
    Some(BootstrapCommand { commands, essential: true, mode: "always".to_owned() })
}

fn call<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    std::iter::once("apiclient").chain(words).map(str::to_owned).collect()
}

/// Bottlerocket's SOCI snapshotter has a folder of another name; releases before it was bindable refuse it.
fn folder(target: BindTarget) -> &'static str {
    match target {
        BindTarget::Containerd => "/var/lib/containerd",
        BindTarget::Kubelet => "/var/lib/kubelet",
        BindTarget::PodLogs => "/var/log/pods",
        BindTarget::Soci => "/var/lib/soci-snapshotter",
    }
}
