//! The charts of the DRA drivers, which give GPUs and EFA interfaces to pods by `ResourceClaim`, and their values.

use serde_json::{Value, json};

use super::kubernetes::{EFA_PLUGIN, NVIDIA_PLUGIN, efa_types};
use super::parts::GROUP_LABELS;
use super::{Rendered, file, yaml};
use crate::settings::Settings;

/// The chart of one driver.
#[derive(Clone, Debug)]
pub(crate) struct Driver {
    /// Of the chart and its release.
    pub(crate) name: &'static str,
    /// A repository, an `oci://` reference or a path.
    pub(crate) chart: String,
    pub(crate) version: String,
    pub(crate) values: Value,
    /// The DaemonSet of the device plugin that gives the same devices, and never beside it: each would give them away
    /// without the other's knowledge (EKS User Guide, "Manage hardware devices").
    pub(crate) plugin: &'static str,
}

/// Both drivers.
pub(crate) fn drivers(settings: &Settings) -> [Driver; 2] {
    [
        Driver {
            name: "dra-driver-nvidia-gpu",
            chart: settings.nvidia_dra_driver_chart.clone(),
            version: settings.nvidia_dra_driver_chart_version.clone(),
            values: nvidia(),
            plugin: NVIDIA_PLUGIN.1,
        },
        Driver {
            name: "aws-dranet",
            chart: settings.efa_dra_driver_chart.clone(),
            version: settings.efa_dra_driver_chart_version.clone(),
            values: efa(settings),
            plugin: EFA_PLUGIN.1,
        },
    ]
}

fn toleration() -> Value {
    json!({ "key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule" })
}

/// The chart refuses to give GPUs without the override, by which we say that no device plugin does; the daemons of
/// `ComputeDomain`s, for NVLink between nodes, are left out. Its own affinity wants labels of node feature discovery.
/// Source: `values.yaml` and `templates/validation.yaml` of the chart 0.4.1 (kubernetes-sigs/dra-driver-nvidia-gpu).
fn nvidia() -> Value {
    let [(label, value)] = GROUP_LABELS;
    let term = json!({ "matchExpressions": [{ "key": label, "operator": "In", "values": [value] }] });
    json!({
        "gpuResourcesEnabledOverride": true,
        "resources": { "gpus": { "enabled": true }, "computeDomains": { "enabled": false } },
        "kubeletPlugin": {
            "affinity": { "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [term] },
            } },
            "tolerations": [toleration()],
        },
    })
}

/// The chart tolerates no taint of GPU nodes by itself, and its image is in us-west-2. Source: `values.yaml` of the chart
/// 1.0.0 (aws/eks-charts); Karpenter's page on DRA names the toleration, too.
fn efa(settings: &Settings) -> Value {
    let repository = format!("602401143452.dkr.ecr.{}.amazonaws.com/eks/dranet", settings.aws_region);
    json!({
        "image": { "repository": repository },
        "tolerations": [toleration(), { "key": "aws.amazon.com/efa", "operator": "Exists", "effect": "NoSchedule" }],
        "supportedInstanceLabels": { "values": efa_types() },
    })
}

/// The values of each, where the settings ask for it, with the command that installs it.
pub(super) fn files(settings: &Settings) -> Vec<Rendered> {
    if !settings.uses_dra() {
        return Vec::new();
    }
    drivers(settings).into_iter().map(|driver| values_file(&driver)).collect()
}

fn values_file(driver: &Driver) -> Rendered {
    let Driver { name, chart, version, values, plugin } = driver;
    let place = if chart.starts_with("https://") { format!("{name} --repo {chart}") } else { chart.clone() };
    let about = format!(
        "# Values of the chart {name}. Not beside the DaemonSet {plugin}, which gives the same devices.\n\
         # helm upgrade --install {name} {place} --version {version} --namespace kube-system --values {name}.values.yaml\n"
    );
    file(&format!("charts/{name}.values.yaml"), about + &yaml::document(values))
}
