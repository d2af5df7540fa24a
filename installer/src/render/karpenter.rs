//! Karpenter's node pools and node classes: amd64, arm64, and GPUs on demand and spot with our user data.

mod pools;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::{RenderError, Rendered, file, yaml};
use crate::launch_template::{self, LaunchTemplate};
use crate::policies::karpenter_node_role;
use crate::settings::{Loaded, Settings};
use crate::user_data::{self, UserDataError};
use pools::{general_pool, gpu_pool};

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
    let wanted = files.filter(|(path, _)| is_wanted(&loaded.settings, path));
    Ok(wanted.map(|(path, objects)| file(path, yaml::documents(&objects))).collect())
}

/// Whether the settings ask for what the file of this path has.
pub(crate) fn is_wanted(settings: &Settings, path: &str) -> bool {
    settings.install_karpenter && (path != GPU || settings.karpenter_has_gpus())
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

/// Where the nodes' image comes from. One of one's own is taken by its id, and Karpenter has to be told the family, by which it
/// writes the user data. For an image of one's own ours is nodeadm's, and of AL2023 Karpenter adds a NodeConfig to it; to
/// `Custom` it adds nothing, so that labels and taints of its pools would be missing (its `pkg/providers/amifamily`).
fn image(settings: &Settings, spec: &mut Value) {
    if let Some(id) = &settings.gpu_ami_id {
        spec["amiFamily"] = json!("AL2023");
        spec["amiSelectorTerms"] = json!([{ "id": id }]);
    }
}

/// One class for one type: the interfaces are those of its network cards.
fn gpu_class(loaded: &Loaded) -> Result<Value, RenderError> {
    let settings = &loaded.settings;
    let template = launch_template::make(loaded)?;
    let subnets: Vec<_> = settings.gpu_subnets().into_iter().map(|(_, id)| id).collect();
    let mut spec = spec(settings, &subnets);
    image(settings, &mut spec);
    let volumes = template.volumes.iter().map(|volume| {
        json!({
            "deviceName": volume.device,
            // Of an image of one's own Karpenter does not know by itself which it is.
            "rootVolume": volume.device == settings.gpu_root_device,
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
    if let Some(name) = settings.gpu_placement_group.as_ref().filter(|_| settings.karpenter_says_placement())
    {
        spec["placementGroupSelector"] = json!({ "name": name });
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
