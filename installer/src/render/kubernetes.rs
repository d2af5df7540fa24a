//! Kubernetes objects. They are files in `manifests/`; here their places are filled.

use gpunode_host::catalog::{self, InstanceType};

use super::{Rendered, dra, file};
use crate::settings::Settings;

const GP3: &str = include_str!("../../../manifests/storage/gp3.yaml");
const IO2: &str = include_str!("../../../manifests/storage/io2.yaml");
const METRICS_SERVER: &str = include_str!("../../../manifests/add-ons/metrics-server.yaml");
const NVIDIA: &str = include_str!("../../../manifests/add-ons/nvidia-device-plugin.yaml");
const EFA: &str = include_str!("../../../manifests/add-ons/efa-device-plugin.yaml");

/// The file of a device plugin, and its one object, a DaemonSet in kube-system.
pub(crate) const NVIDIA_PLUGIN: (&str, &str) =
    ("kubernetes/nvidia-device-plugin.yaml", "nvidia-device-plugin");
/// The same of EFA's.
pub(crate) const EFA_PLUGIN: (&str, &str) =
    ("kubernetes/efa-device-plugin.yaml", "aws-efa-k8s-device-plugin");

/// One file of objects.
pub(crate) struct Manifest {
    /// Below the output folder.
    pub(crate) path: &'static str,
    pub(crate) text: String,
    /// Whether the settings ask for it.
    pub(crate) wanted: bool,
}

pub(super) fn files(settings: &Settings) -> Vec<Rendered> {
    let wanted = manifests(settings).into_iter().filter(|manifest| manifest.wanted);
    let objects = wanted.map(|manifest| file(manifest.path, manifest.text));
    objects.chain(dra::files(settings)).collect()
}

/// Every file, also what the settings do not ask for.
pub(crate) fn manifests(settings: &Settings) -> Vec<Manifest> {
    let manifest = |path, wanted, text| Manifest { path, text, wanted };
    let plugins = !settings.uses_dra();
    let metrics_server = METRICS_SERVER.replace("@UTILS_NODE_GROUP@", &settings.utils_node_group);
    let io2 = IO2.replace("@IO2_IOPS@", &settings.io2_iops.to_string());
    vec![
        manifest("kubernetes/storage-gp3.yaml", true, GP3.to_owned()),
        manifest("kubernetes/metrics-server.yaml", true, metrics_server),
        manifest(NVIDIA_PLUGIN.0, plugins, NVIDIA.to_owned()),
        manifest(EFA_PLUGIN.0, plugins, efa(settings)),
        manifest("kubernetes/storage-io2.yaml", settings.install_io2_storageclass, io2),
    ]
}

/// The plugin runs where the catalogue knows EFA: on other nodes it would find nothing and say so for ever.
fn efa(settings: &Settings) -> String {
    EFA.replace("@EFA_TYPES@", &efa_types().join(", ")).replace("@REGION@", &settings.aws_region)
}

/// Every type with EFA that the catalogue has.
pub(super) fn efa_types() -> Vec<String> {
    catalog::all().filter(InstanceType::has_efa).map(|kind| kind.name).collect()
}
