//! Which nodes of the cluster are of the node groups.

use serde_json::Value;

use super::{Group, candidates, nodes, scaling_group};
use crate::aws::{Door, Failure};
use crate::carry_out::patiently;
use crate::kube::Client;
use crate::render::parts::GROUP_LABELS;
use crate::settings::{NodeGroupKind, Settings};

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
    let wanted = patiently(|| nodes(door, settings, &groups)).await?;
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    let own = settings.gpu_node_group_kind == NodeGroupKind::SelfManaged;
    let selector = if own {
        // The agent's; nodes of such a group have no label of it.
        GROUP_LABELS.map(|(label, value)| format!("{}%3D{value}", label.replace('/', "%2F"))).join("%2C")
    } else {
        format!("{}%20in%20({})", LABEL.replace('/', "%2F"), names.join("%2C"))
    };
    let query = format!("/api/v1/nodes?labelSelector={selector}");
    let all = patiently(|| client.list(&query)).await?;
    let mut joined = Vec::new();
    for Group { name, .. } in groups {
        let wanted = wanted.get(&name).copied().unwrap_or_default();
        let nodes: Vec<Value> = if own {
            let own = scaling_group(&settings.cluster_name, &name);
            let group = patiently(|| door.auto_scaling.group(&own)).await?.unwrap_or_default();
            let instances: Vec<_> =
                group.members("Instances").map(|found| found.text("InstanceId")).collect();
            all.iter()
                .filter(|node| instance(node).is_some_and(|id| instances.contains(&id)))
                .cloned()
                .collect()
        } else {
            all.iter().filter(|node| node["metadata"]["labels"][LABEL] == name.as_str()).cloned().collect()
        };
        if wanted > 0 || !nodes.is_empty() {
            joined.push(Joined { name, wanted, nodes });
        }
    }
    Ok(joined)
}

/// `i-…` of `aws:///us-west-2a/i-…`
fn instance(node: &Value) -> Option<&str> {
    node["spec"]["providerID"].as_str()?.rsplit('/').next().filter(|id| !id.is_empty())
}
