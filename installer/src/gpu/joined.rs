//! Which nodes of the cluster are of the node groups.

use serde_json::Value;

use super::{candidates, nodes};
use crate::aws::{Door, Failure};
use crate::carry_out::patiently;
use crate::kube::Client;
use crate::settings::Settings;

/// EKS's label of the nodes of a managed node group.
const LABEL: &str = "eks.amazonaws.com/nodegroup";

/// A node group with its nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// Its name.
    pub name: String,
    /// Nodes that it wants.
    pub wanted: u64,
    /// Nodes that have joined, as the API server has them.
    pub nodes: Vec<Value>,
}

/// Every group that the settings can have made and that wants nodes or has some.
pub async fn joined(door: &Door, client: &Client, settings: &Settings) -> Result<Vec<Joined>, Failure> {
    let groups = candidates(settings);
    let wanted = patiently(|| nodes(door, &settings.cluster_name, &groups)).await?;
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    let query =
        format!("/api/v1/nodes?labelSelector={}%20in%20({})", LABEL.replace('/', "%2F"), names.join("%2C"));
    let all = patiently(|| client.list(&query)).await?;
    let of =
        |name: &str| all.iter().filter(|node| node["metadata"]["labels"][LABEL] == name).cloned().collect();
    let each = groups.iter().map(|group| Joined {
        name: group.name.clone(),
        wanted: wanted.get(&group.name).copied().unwrap_or_default(),
        nodes: of(&group.name),
    });
    Ok(each.filter(|group| group.wanted > 0 || !group.nodes.is_empty()).collect())
}
