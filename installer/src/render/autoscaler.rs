//! What Cluster Autoscaler is told by tags of nodes that are yet to be: it starts none for a pod that asks for something of
//! which it does not know that such a node has it.

use std::collections::BTreeMap;

use super::parts::LABELS;
use crate::layout;
use crate::settings::Settings;

/// Source: Cluster Autoscaler on AWS, "Auto-discovery setup".
const NODE: &str = "k8s.io/cluster-autoscaler/node-template";

/// What a node of a managed group has beside processors, memory and GPUs, which it knows of the type, and labels and taints,
/// which it asks EKS for. Tags of a managed group are not put on its Auto Scaling group, and are read from EKS, since 1.27
/// (kubernetes/autoscaler pull requests 5596 and 6241).
pub(crate) fn managed_tags(settings: &Settings) -> BTreeMap<String, String> {
    // With DRA a node has no such resource.
    let efa = if settings.uses_dra() { 0 } else { efa(settings) };
    let tag = |count: usize| (format!("{NODE}/resources/vpc.amazonaws.com/efa"), count.to_string());
    (efa > 0).then(|| tag(efa)).into_iter().collect()
}

/// Tags of an Auto Scaling group of one's own: by which it is found, and what its nodes have.
pub(crate) fn own_tags(settings: &Settings) -> BTreeMap<String, String> {
    let cluster = &settings.cluster_name;
    let mut tags = BTreeMap::from([
        (format!("kubernetes.io/cluster/{cluster}"), "owned".to_owned()),
        (format!("k8s.io/cluster-autoscaler/{cluster}"), "owned".to_owned()),
        ("k8s.io/cluster-autoscaler/enabled".to_owned(), "true".to_owned()),
        (format!("{NODE}/taint/nvidia.com/gpu"), "true:NoSchedule".to_owned()),
    ]);
    tags.extend(LABELS.map(|(name, value)| (format!("{NODE}/label/{name}"), value.to_owned())));
    tags.extend(managed_tags(settings));
    tags
}

/// EFA interfaces of a node; settings that were loaded have a layout.
fn efa(settings: &Settings) -> usize {
    let kind = settings.instance_type();
    let interfaces =
        kind.and_then(|kind| layout::interfaces(&kind, settings.gpu_efa_layout, settings.gpu_num_enis).ok());
    interfaces.unwrap_or_default().iter().filter(|interface| interface.is_efa()).count()
}
