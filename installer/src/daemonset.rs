//! gpunode's own DaemonSet inside a cluster, as `manifests/` has it: the kustomize base, which is what helm renders with the
//! chart's defaults, and of its components those that the settings ask for. A test compares the outcome with helm's.
//!
//! It is in `kube-system` like all else that the installer makes: with a namespace of its own its removal would take along
//! whatever others have put there.

#[cfg(test)]
mod tests;
mod watched;

use serde_json::Value;

use crate::kube::yaml;
use crate::settings::{DaemonsetDevices, Settings};
use crate::things::NAMESPACE;

pub(crate) use watched::{Watched, nodes_path, pods_path, unwatched};

/// Its name, and the value of the label `app.kubernetes.io/name` of every pod. Source:
/// `manifests/chart/templates/_helpers.tpl`.
pub(crate) const NAME: &str = "gpunode-daemonset";
/// The file that `render` writes.
pub(crate) const FILE: &str = "kubernetes/gpunode-daemonset.yaml";
/// The same of the priority level.
pub(crate) const FLOW_CONTROL_FILE: &str = "kubernetes/gpunode-daemonset-flow-control.yaml";

/// The DaemonSet last: by then its rights, what narrows them, and what pods mount are there; and it goes first.
const BASE: [&str; 4] = [
    include_str!("../../manifests/kustomize/base/rbac.yaml"),
    include_str!("../../manifests/kustomize/base/policy.yaml"),
    include_str!("../../manifests/kustomize/base/nccl.yaml"),
    include_str!("../../manifests/kustomize/base/daemonset.yaml"),
];
const FLOW_CONTROL: &str =
    include_str!("../../manifests/kustomize/components/flow-control/flow-control.yaml");
const PRIVILEGED: &str = include_str!("../../manifests/kustomize/components/privileged/kustomization.yaml");
const RUNTIME_CLASS: &str =
    include_str!("../../manifests/kustomize/components/runtime-class/kustomization.yaml");
const EKS_REPAIR: &str = include_str!("../../manifests/kustomize/components/eks-repair/kustomization.yaml");
const TAINT: &str = include_str!("../../manifests/kustomize/components/taint/kustomization.yaml");
/// Where the manifests put it.
const THEIR_NAMESPACE: &str = "gpunode-system";

/// One file of objects, each after what it needs.
pub(crate) struct File {
    /// Below the output folder.
    pub(crate) path: &'static str,
    pub(crate) objects: Vec<Value>,
    /// Whether the settings ask for it.
    pub(crate) wanted: bool,
}

/// Both files, also what the settings do not ask for.
pub(crate) fn files(settings: &Settings) -> Result<[File; 2], String> {
    let mut objects = Vec::new();
    for text in BASE {
        objects.extend(read(text)?);
    }
    for component in components(settings) {
        change(&mut objects, component)?;
    }
    if let Some(image) = &settings.daemonset_image {
        let set = objects.iter_mut().find(|object| object["kind"] == "DaemonSet");
        let place = set.and_then(|set| set.pointer_mut("/spec/template/spec/containers/0/image"));
        *place.ok_or("the DaemonSet has no image")? = image.as_str().into();
    }
    let mut level = read(FLOW_CONTROL)?;
    // A schema names its level.
    level.reverse();
    let wanted = settings.install_gpunode_daemonset;
    let flow_control = wanted && settings.daemonset_flow_control;
    Ok([
        File { path: FILE, objects, wanted },
        File { path: FLOW_CONTROL_FILE, objects: level, wanted: flow_control },
    ])
}

/// In the order in which the chart writes their arguments.
fn components(settings: &Settings) -> Vec<&'static str> {
    let devices = match settings.daemonset_devices {
        DaemonsetDevices::Cdi => None,
        DaemonsetDevices::Privileged => Some(PRIVILEGED),
        DaemonsetDevices::RuntimeClass => Some(RUNTIME_CLASS),
    };
    let repair = settings.eks_repair.then_some(EKS_REPAIR);
    let taint = settings.daemonset_taint.then_some(TAINT);
    [devices, repair, taint].into_iter().flatten().collect()
}

/// The namespace is also part of a user's name, in expressions, so it is replaced in the text.
fn read(text: &str) -> Result<Vec<Value>, String> {
    let documents = yaml::documents(&text.replace(THEIR_NAMESPACE, NAMESPACE))?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// Changes `objects` as the component of this text says.
fn change(objects: &mut [Value], component: &str) -> Result<(), String> {
    for component in read(component)? {
        for patch in component["patches"].as_array().ok_or("a component without patches")? {
            let (kind, name) = (&patch["target"]["kind"], &patch["target"]["name"]);
            let target = objects
                .iter_mut()
                .find(|object| object["kind"] == *kind && object["metadata"]["name"] == *name)
                .ok_or_else(|| format!("there is no {kind} {name}"))?;
            for operations in read(patch["patch"].as_str().unwrap_or_default())? {
                apply(target, operations).map_err(|why| format!("{kind} {name}: {why}"))?;
            }
        }
    }
    Ok(())
}

/// JSON Patch (RFC 6902), all of it or an error.
fn apply(object: &mut Value, operations: Value) -> Result<(), String> {
    let operations: json_patch::Patch =
        serde_json::from_value(operations).map_err(|error| error.to_string())?;
    json_patch::patch(object, &operations).map_err(|error| error.to_string())
}
