//! The claim of a pod that asks for devices of a DRA driver. It is made after the pod, which waits for it: so whoever finds
//! a claim without its pod knows that nobody needs it any more.

use serde_json::{Value, json};

use super::{NAME, OWNER, Options, Probe, Way};
use crate::devices::API;

/// Where it is in the API.
pub(super) fn path(namespace: &str, name: &str) -> String {
    format!("{API}/namespaces/{namespace}/resourceclaims/{name}")
}

/// The claim of `probe`, by the pod's name; none where it asks a device plugin.
pub fn claim(probe: &Probe, options: &Options) -> Option<Value> {
    let request = json!({
        "name": "devices",
        "exactly": {
            "deviceClassName": probe.hardware.class(), "allocationMode": "ExactCount", "count": probe.count,
        },
    });
    (probe.way == Way::Claim).then(|| {
        json!({
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceClaim",
            "metadata": {
                "name": probe.name,
                "namespace": options.namespace,
                "labels": { "app.kubernetes.io/name": NAME },
                "annotations": { OWNER: options.owner },
            },
            "spec": { "devices": { "requests": [request] } },
        })
    })
}
