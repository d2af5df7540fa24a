//! Which nodes have a pod of the DaemonSet.

use std::collections::BTreeSet;

use serde_json::Value;

use super::NAME;
use crate::aws::Failure;
use crate::carry_out::patiently;
use crate::kube::Client;
use crate::render::parts::GROUP_LABELS;

/// Nodes that have a pod of it, and those whose pod is ready.
pub(crate) struct Watched {
    pub(crate) all: BTreeSet<String>,
    pub(crate) ready: BTreeSet<String>,
}

impl Watched {
    pub(crate) fn of(pods: &[Value]) -> Self {
        let node = |pod: &Value| pod["spec"]["nodeName"].as_str().map(str::to_owned);
        let ready = pods.iter().filter(|pod| is_ready(pod));
        Self { all: pods.iter().filter_map(node).collect(), ready: ready.filter_map(node).collect() }
    }
}

fn is_ready(pod: &Value) -> bool {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Where its pods are asked for, in all namespaces: whoever installed it chose one.
pub(crate) fn pods_path() -> String {
    format!("/api/v1/pods?labelSelector=app.kubernetes.io%2Fname%3D{NAME}")
}

/// Where the GPU nodes are asked for.
pub(crate) fn nodes_path() -> String {
    let [(label, value)] = GROUP_LABELS;
    format!("/api/v1/nodes?labelSelector={}%3D{value}", label.replace('/', "%2F"))
}

/// How many GPU nodes there are, and the names of those without a pod that is ready. The DaemonSet's own status does not
/// tell: it counts the nodes that its pods may be on, by their types.
pub(crate) async fn unwatched(client: &Client) -> Result<(usize, Vec<String>), Failure> {
    let (nodes, pods) = (nodes_path(), pods_path());
    let nodes = patiently(|| client.list_metadata(&nodes)).await?;
    if nodes.is_empty() {
        return Ok((0, Vec::new()));
    }
    let pods = patiently(|| client.list(&pods)).await?;
    let ready = Watched::of(&pods).ready;
    let names = nodes.iter().filter_map(|node| node["metadata"]["name"].as_str());
    Ok((nodes.len(), names.filter(|name| !ready.contains(*name)).map(str::to_owned).collect()))
}
