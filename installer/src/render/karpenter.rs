//! Karpenter's node pools and node classes: amd64, arm64, and GPUs on demand and spot with our user data.

use serde_json::{Value, json};

use super::{RenderError, Rendered, file, parts, yaml};
use crate::launch_template::{self, LaunchTemplate};
use crate::policies::karpenter_node_role;
use crate::settings::{Loaded, Settings};
use crate::user_data::{self, UserDataError};

/// Nodes without GPUs: at most so many processors in each pool.
const CPU_LIMIT: u64 = 1000;

/// One file: its path, and its objects, each after what it needs.
pub(crate) type Documents = (&'static str, Vec<Value>);

const GENERAL: &str = "kubernetes/karpenter-general.yaml";
const GPU: &str = "kubernetes/karpenter-gpu.yaml";
const CLASS: (&str, &str) = ("karpenter.k8s.aws/v1", "EC2NodeClass");
const POOL: (&str, &str) = ("karpenter.sh/v1", "NodePool");

pub(super) fn files(loaded: &Loaded) -> Result<Vec<Rendered>, RenderError> {
    if !loaded.settings.install_karpenter {
        return Ok(Vec::new());
    }
    let files = documents(loaded)?.into_iter();
    Ok(files.map(|(path, objects)| file(path, yaml::documents(&objects))).collect())
}

/// Every object, also where the settings do not ask for Karpenter.
pub(crate) fn documents(loaded: &Loaded) -> Result<[Documents; 2], RenderError> {
    let settings = &loaded.settings;
    let general = vec![general_class(settings), general_pool("amd64"), general_pool("arm64")];
    let class = gpu_class(loaded)?;
    let gpu = vec![class, gpu_pool(settings, "on-demand", 10), gpu_pool(settings, "spot", 20)];
    Ok([(GENERAL, general), (GPU, gpu)])
}

/// The same objects without what is in them: to remove them, nothing of the settings has to be right.
pub(crate) fn names() -> [Documents; 2] {
    let bare = |(version, kind): (&str, &str), name: &str| json!({ "apiVersion": version, "kind": kind, "metadata": { "name": name } });
    [
        (GENERAL, vec![bare(CLASS, "general"), bare(POOL, "amd64"), bare(POOL, "arm64")]),
        (GPU, vec![bare(CLASS, "gpu"), bare(POOL, "gpu-on-demand"), bare(POOL, "gpu-spot")]),
    ]
}

fn object((version, kind): (&str, &str), name: &str, spec: Value) -> Value {
    let mut object = json!({ "apiVersion": version, "kind": kind, "metadata": { "name": name } });
    object["spec"] = spec;
    object
}

fn class(name: &str, spec: Value) -> Value {
    object(CLASS, name, spec)
}

/// What both classes say.
fn spec(settings: &Settings, subnets: &[&str]) -> Value {
    let subnets: Vec<_> = subnets.iter().map(|id| json!({ "id": id })).collect();
    let cluster = &settings.cluster_name;
    let groups = match (&settings.cluster_security_group, &settings.gpu_security_group) {
        (None, _) => vec![json!({ "tags": { "aws:eks:cluster-name": cluster } })],
        (Some(own), gpu) => std::iter::once(own).chain(gpu).map(|id| json!({ "id": id })).collect(),
    };
    json!({
        "amiSelectorTerms": [{ "alias": "al2023@latest" }],
        "role": karpenter_node_role(cluster),
        "subnetSelectorTerms": subnets,
        "securityGroupSelectorTerms": groups,
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": settings.gpu_imds_hop_limit,
        },
        "tags": { launch_template::OWNER_TAG: cluster },
    })
}

fn general_class(settings: &Settings) -> Value {
    class("general", spec(settings, &settings.private_subnets()))
}

/// One class for one type: the interfaces are those of its network cards.
fn gpu_class(loaded: &Loaded) -> Result<Value, RenderError> {
    let settings = &loaded.settings;
    let template = launch_template::make(loaded)?;
    let subnets: Vec<_> = settings.gpu_subnets().into_iter().map(|(_, id)| id).collect();
    let mut spec = spec(settings, &subnets);
    let volumes = template.volumes.iter().map(|volume| {
        json!({
            "deviceName": volume.device,
            "rootVolume": volume.device == launch_template::ROOT_DEVICE,
            "ebs": {
                "volumeType": "gp3",
                "volumeSize": format!("{}Gi", volume.size),
                "iops": volume.iops,
                "throughput": volume.throughput,
                "encrypted": true,
                "deleteOnTermination": true,
            },
        })
    });
    spec["blockDeviceMappings"] = Value::Array(volumes.collect());
    if let Some(interfaces) = interfaces(settings, &template) {
        spec["networkInterfaces"] = interfaces;
    }
    // `gpu create` makes the group; files name only what is there.
    if settings.gpu_create_security_group
        && let Some(groups) = spec["securityGroupSelectorTerms"].as_array_mut()
    {
        groups.push(json!({ "tags": { launch_template::OWNER_TAG: crate::things::gpu_owner(settings) } }));
    }
    if let Some(id) = &settings.gpu_capacity_reservation_id {
        spec["capacityReservationSelectorTerms"] = json!([{ "id": id }]);
    }
    let mut data = user_data::of(settings, &loaded.node_variables)?;
    // Karpenter appends a NodeConfig of its own.
    data.node_configs.clear();
    let mime = data.mime(false).map_err(UserDataError::from)?;
    // Its own check leaves room for that NodeConfig.
    data.karpenter().map_err(UserDataError::from)?;
    spec["userData"] = Value::String(super::text(&mime));
    Ok(class("gpu", spec))
}

/// Karpenter takes `interface` and `efa-only` here and nothing else. Where it cannot be said, it attaches an `efa`
/// interface on every card as soon as a pod asks for EFA: the combined layout.
fn interfaces(settings: &Settings, template: &LaunchTemplate) -> Option<Value> {
    let says = settings.karpenter_says_interfaces();
    let fits = template.interfaces.iter().all(|placed| placed.interface.api_type() != "efa");
    let list = template.interfaces.iter().map(|placed| {
        json!({
            "networkCardIndex": placed.interface.card,
            "deviceIndex": placed.interface.device,
            "interfaceType": placed.interface.api_type(),
        })
    });
    (says && fits).then(|| Value::Array(list.collect()))
}

fn pool(name: &str, spec: Value) -> Value {
    object(POOL, name, spec)
}

fn requirement(key: &str, values: &[&str]) -> Value {
    json!({ "key": key, "operator": "In", "values": values })
}

fn reference(class: &str) -> Value {
    json!({ "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": class })
}

fn general_pool(arch: &str) -> Value {
    // What runs on either takes the cheaper; arm64 only where a pod allows it, so amd64 comes first.
    let weight = if arch == "amd64" { 10 } else { 5 };
    pool(
        arch,
        json!({
            "template": { "spec": {
                "nodeClassRef": reference("general"),
                "expireAfter": "720h",
                "requirements": [
                    requirement("kubernetes.io/arch", &[arch]),
                    requirement("kubernetes.io/os", &["linux"]),
                    requirement("karpenter.sh/capacity-type", &["on-demand", "spot"]),
                    requirement("karpenter.k8s.aws/instance-category", &["c", "m", "r"]),
                ],
            } },
            "disruption": { "consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "5m" },
            "limits": { "cpu": CPU_LIMIT },
            "weight": weight,
        }),
    )
}

/// A GPU node is never taken from under its pods: jobs on it have no other place.
fn gpu_pool(settings: &Settings, capacity: &str, weight: u64) -> Value {
    let gpus = settings.instance_type().map_or(0, |kind| u64::from(kind.gpu_count()));
    let labels: serde_json::Map<_, _> =
        parts::LABELS.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    // A block or a reservation is what Karpenter calls reserved.
    let bought =
        if settings.gpu_capacity.reserved() && capacity == "on-demand" { "reserved" } else { capacity };
    pool(
        &format!("gpu-{capacity}"),
        json!({
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "nodeClassRef": reference("gpu"),
                    "expireAfter": "Never",
                    "taints": [{ "key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule" }],
                    "requirements": [
                        requirement("node.kubernetes.io/instance-type", &[settings.gpu_instance_type.as_str()]),
                        requirement("karpenter.sh/capacity-type", &[bought]),
                    ],
                },
            },
            "disruption": { "consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m" },
            "limits": { "nvidia.com/gpu": gpus * settings.gpu_max_size },
            "weight": weight,
        }),
    )
}
