//! What nodes offer to pods of GPUs and EFA interfaces, by whichever of the two ways the settings choose: device plugins,
//! which say numbers in the node's status, or DRA drivers, which say each device in `ResourceSlice`s.

mod claims;
mod slices;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::aws::Failure;
use crate::carry_out::patiently;
use crate::kube::Client;
use crate::settings::Settings;

/// Where the API of devices is, from Kubernetes 1.34 on.
pub const API: &str = "/apis/resource.k8s.io/v1";
/// EFA devices among those of DRANET, as the `DeviceClass` of the chart aws-dranet knows them.
const EFA_DEVICE: &str = "Elastic Fabric Adapter (EFA)";

/// Of what pods are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hardware {
    /// NVIDIA GPUs.
    Gpu,
    /// EFA interfaces.
    Efa,
}

impl Hardware {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Gpu, Self::Efa];

    /// What a pod asks a device plugin for.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Gpu => "nvidia.com/gpu",
            Self::Efa => "vpc.amazonaws.com/efa",
        }
    }

    /// The `DeviceClass` that a claim names, as the chart of the driver makes it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Gpu => "gpu.nvidia.com",
            Self::Efa => "efa.networking.k8s.aws",
        }
    }

    /// The driver that publishes it.
    pub fn driver(self) -> &'static str {
        match self {
            Self::Gpu => "gpu.nvidia.com",
            Self::Efa => "dra.net",
        }
    }

    /// The chart of that driver.
    pub fn chart(self) -> &'static str {
        match self {
            Self::Gpu => "dra-driver-nvidia-gpu",
            Self::Efa => "aws-dranet",
        }
    }

    /// An attribute of its driver, and the value by which one of its devices is a whole one of these.
    fn attribute(self) -> (&'static str, &'static str) {
        match self {
            Self::Gpu => ("type", "gpu"),
            Self::Efa => ("pciDevice", EFA_DEVICE),
        }
    }
}

/// Why DRA drivers cannot work in the cluster, where the settings choose them and its API server does not know the API.
pub async fn hindered(client: &Client, settings: &Settings) -> Result<Option<String>, Failure> {
    if !settings.uses_dra() || patiently(|| client.get(API)).await?.is_some() {
        return Ok(None);
    }
    let what = "GPU_DEVICES is dra, and the API server does not serve resource.k8s.io/v1, which Kubernetes has from 1.34 on: \
                update the cluster, or take device-plugin";
    Ok(Some(what.to_owned()))
}

/// Who says what nodes offer.
#[derive(Clone, Debug, PartialEq)]
pub enum Offers {
    /// Device plugins.
    Plugins,
    /// DRA drivers, by these slices.
    Drivers(Vec<Value>),
}

/// What one node offers of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// Whole devices.
    pub count: u64,
    /// Whether there are parts of devices, too; then whole ones may be fewer.
    pub parts: bool,
    /// What keeps the scheduler from what is there.
    pub trouble: Option<String>,
}

impl Offers {
    /// Asks the API server where the settings choose DRA; else nodes say it themselves.
    pub async fn ask(client: &Client, settings: &Settings) -> Result<Self, Failure> {
        if !settings.uses_dra() {
            return Ok(Self::Plugins);
        }
        let all = format!("{API}/resourceslices");
        Ok(Self::Drivers(patiently(|| client.list(&all)).await?))
    }

    /// The claims of all pods, where devices are given by claims.
    pub async fn claims(&self, client: &Client) -> Result<Vec<Value>, Failure> {
        let all = format!("{API}/resourceclaims");
        match self {
            Self::Plugins => Ok(Vec::new()),
            Self::Drivers(_) => patiently(|| client.list(&all)).await,
        }
    }

    /// What a pod asks for.
    pub fn name(&self, hardware: Hardware) -> &'static str {
        match self {
            Self::Plugins => hardware.resource(),
            Self::Drivers(_) => hardware.class(),
        }
    }

    /// What `node` offers.
    pub fn of(&self, node: &Value, hardware: Hardware) -> Offered {
        match self {
            Self::Plugins => {
                let allocatable = node["status"]["allocatable"].as_object();
                // With partitions of several sizes nothing is left under the plain name.
                let part = |name: &String| hardware == Hardware::Gpu && name.starts_with("nvidia.com/mig-");
                let parts = allocatable.is_some_and(|all| all.keys().any(part));
                Offered { count: plain(node, hardware), parts, trouble: None }
            }
            Self::Drivers(slices) => slices::offered(slices, name(node), hardware),
        }
    }

    /// How many of them `pods`, which are on `node`, and `claims` have.
    pub fn taken(&self, node: &Value, hardware: Hardware, pods: &[Value], claims: &[Value]) -> u64 {
        match self {
            Self::Plugins => pods.iter().map(|pod| asked(pod, hardware)).fold(0, u64::saturating_add),
            Self::Drivers(slices) => claims::taken(slices, name(node), hardware, claims),
        }
    }
}

fn name(node: &Value) -> &str {
    node["metadata"]["name"].as_str().unwrap_or_default()
}

/// What a device plugin says of `node`.
pub fn plain(node: &Value, hardware: Hardware) -> u64 {
    number(&node["status"]["allocatable"][hardware.resource()])
}

/// What a pod that has not ended asks for. Init containers run before the others, one after another.
fn asked(pod: &Value, hardware: Hardware) -> u64 {
    if ["Succeeded", "Failed"].iter().any(|phase| pod["status"]["phase"] == *phase) {
        return 0;
    }
    let of = |list: &str| {
        let all = pod["spec"][list].as_array().into_iter().flatten();
        all.map(|container| number(&container["resources"]["limits"][hardware.resource()]))
            .collect::<Vec<_>>()
    };
    let together = of("containers").into_iter().fold(0_u64, u64::saturating_add);
    of("initContainers").into_iter().fold(together, u64::max)
}

/// Devices are whole numbers.
fn number(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}
