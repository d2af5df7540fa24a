//! Kubernetes objects. They are files in `manifests/`; here their places are filled.

use gpunode_host::catalog::{self, InstanceType};

use super::{Rendered, file};
use crate::settings::Settings;

const GP3: &str = include_str!("../../../manifests/storage/gp3.yaml");
const IO2: &str = include_str!("../../../manifests/storage/io2.yaml");
const METRICS_SERVER: &str = include_str!("../../../manifests/add-ons/metrics-server.yaml");
const NVIDIA: &str = include_str!("../../../manifests/add-ons/nvidia-device-plugin.yaml");
const EFA: &str = include_str!("../../../manifests/add-ons/efa-device-plugin.yaml");

pub(super) fn files(settings: &Settings) -> Vec<Rendered> {
    let metrics_server = METRICS_SERVER.replace("@UTILS_NODE_GROUP@", &settings.utils_node_group);
    let mut files = vec![
        file("kubernetes/storage-gp3.yaml", GP3.to_owned()),
        file("kubernetes/metrics-server.yaml", metrics_server),
        file("kubernetes/nvidia-device-plugin.yaml", NVIDIA.to_owned()),
        file("kubernetes/efa-device-plugin.yaml", efa(settings)),
    ];
    if settings.install_io2_storageclass {
        let io2 = IO2.replace("@IO2_IOPS@", &settings.io2_iops.to_string());
        files.push(file("kubernetes/storage-io2.yaml", io2));
    }
    files
}

/// The plugin runs where the catalogue knows EFA: on other nodes it would find nothing and say so for ever.
fn efa(settings: &Settings) -> String {
    let types: Vec<_> = catalog::all().filter(InstanceType::has_efa).map(|kind| kind.name).collect();
    EFA.replace("@EFA_TYPES@", &types.join(", ")).replace("@REGION@", &settings.aws_region)
}
