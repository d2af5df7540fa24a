//! GPU nodes: what they offer against the catalogue, what they say of themselves, and whether somebody watches them.

mod node;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use serde_json::Value;

use super::Finding;
use crate::daemonset::{NAME, Watched, nodes_path, pods_path};
use crate::devices::Offers;
use crate::kube::Client;
use crate::render::parts::GROUP_LABELS;
use crate::settings::Settings;

const INSTALL: &str =
    "helm upgrade --install gpunode manifests/chart --namespace gpunode-system --create-namespace";

/// Asks for the GPU nodes.
pub async fn nodes(client: &Client, settings: &Settings) -> Vec<Finding> {
    let [(label, value)] = GROUP_LABELS;
    let nodes = match client.list(&nodes_path()).await {
        Ok(nodes) => nodes,
        Err(failure) => return vec![Finding::unknown("GPU nodes", failure)],
    };
    if nodes.is_empty() {
        return vec![Finding::ok("GPU nodes", format_args!("there is no node with {label}={value}"))];
    }
    these(client, settings, &nodes).await
}

/// What is wrong with these nodes, and how many are well.
pub async fn these(client: &Client, settings: &Settings, nodes: &[Value]) -> Vec<Finding> {
    let pods = client.list(&pods_path()).await.map_err(|failure| failure.to_string());
    let offers = Offers::ask(client, settings).await.map_err(|failure| failure.to_string());
    let pods = pods.as_deref().map_err(String::as_str);
    judge(settings, nodes, (pods, offers.as_ref().map_err(String::as_str)), SystemTime::now())
}

/// What is wrong with `nodes`, each finding about one of them, and one for all that are well.
fn judge(
    settings: &Settings,
    nodes: &[Value],
    (pods, offers): (Result<&[Value], &str>, Result<&Offers, &str>),
    now: SystemTime,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(why) = offers {
        findings.push(Finding::unknown("GPUs and EFA interfaces of nodes", why));
    }
    let watched = match pods {
        Ok([]) => {
            let what = "no node has a pod of it: nobody looks at the GPUs";
            findings.push(Finding::error(NAME, what, &install(settings, "")));
            None
        }
        Ok(pods) => {
            findings.extend(repair(settings, pods));
            Some(Watched::of(pods))
        }
        Err(why) => {
            findings.push(Finding::unknown(NAME, why));
            None
        }
    };
    let mut well = 0;
    for node in nodes {
        let found = node::judge(settings, node, (watched.as_ref(), offers.ok()), now);
        well += usize::from(found.is_empty());
        findings.extend(found);
    }
    findings.push(Finding::ok("GPU nodes", format_args!("{well} of {} as they must be", nodes.len())));
    findings
}

/// How the DaemonSet is brought, with these values of its chart where it does not come with `apply`.
fn install(settings: &Settings, values: &str) -> String {
    if settings.install_gpunode_daemonset {
        return "installer apply; then kubectl -n kube-system get pods -l app.kubernetes.io/name=gpunode-daemonset"
            .to_owned();
    }
    format!("set INSTALL_GPUNODE_DAEMONSET=true, then installer apply; or {INSTALL}{values}")
}

/// Whether both sides of the repair by EKS are there: who writes its conditions, and who acts on them.
fn repair(settings: &Settings, pods: &[Value]) -> Option<Finding> {
    let argument = |pod: &Value| {
        let containers = pod["spec"]["containers"].as_array();
        containers.into_iter().flatten().any(|container| {
            container["args"].as_array().is_some_and(|all| all.contains(&Value::from("--eks-repair")))
        })
    };
    match (settings.eks_repair, pods.iter().any(argument)) {
        (true, false) => {
            let what =
                "EKS_REPAIR is set, and no pod has --eks-repair: EKS is told of no sick GPU or EFA interface";
            Some(Finding::error(NAME, what, &install(settings, " --set eksRepair=true")))
        }
        // Karpenter acts on them, too.
        (false, true) if !settings.install_karpenter => {
            let what =
                "has --eks-repair, and EKS_REPAIR is not set: node groups of these settings are not repaired";
            let apply =
                "installer apply takes it away; or set EKS_REPAIR=true, then installer apply and gpu create";
            let ours = settings.install_gpunode_daemonset;
            let advice = if ours { apply } else { "set EKS_REPAIR=true, then installer gpu create" };
            Some(Finding::warning(NAME, what, advice))
        }
        _ => None,
    }
}

/// What nodes there are beside those that are GPU nodes by our label.
pub async fn workers(client: &Client, settings: &Settings) -> Vec<Finding> {
    match client.list_metadata("/api/v1/nodes").await {
        Ok(nodes) => {
            let services = settings.install_kubernetes.then(|| services(&nodes, &settings.utils_node_group));
            std::iter::once(unnamed(&nodes)).chain(services).collect()
        }
        Err(failure) => vec![Finding::unknown("nodes", failure)],
    }
}

/// Whether there is a node for the cluster's services: charts and Metrics Server are bound to the one group, and without it
/// wait without a word.
fn services(nodes: &[Value], group: &str) -> Finding {
    let subject = "nodes for cluster services";
    let there = nodes.iter().filter(|node| node["metadata"]["labels"][NODE_GROUP] == group).count();
    if there > 0 {
        return Finding::ok(subject, format_args!("{there} of the node group {group}"));
    }
    let what = format!(
        "none is of the node group {group}: the Load Balancer Controller, Cluster Autoscaler, Metrics Server and Karpenter \
         wait for one"
    );
    Finding::error(
        subject,
        what,
        "make that managed node group, or name one that there is in UTILS_NODE_GROUP",
    )
}

/// EKS's label of the nodes of a managed group.
const NODE_GROUP: &str = "eks.amazonaws.com/nodegroup";

/// Nodes that are not GPU nodes by our label, though their type has GPUs: without it no pool, chart or check here knows them.
fn unnamed(nodes: &[Value]) -> Finding {
    let subject = "nodes";
    let [(label, value)] = GROUP_LABELS;
    let unnamed: Vec<_> = nodes
        .iter()
        .filter(|node| node::kind(node).is_some_and(|kind| kind.gpu_count() > 0))
        .filter(|node| node["metadata"]["labels"][label] != value)
        .filter_map(|node| node["metadata"]["name"].as_str())
        .collect();
    if unnamed.is_empty() {
        return Finding::ok(subject, format_args!("{} in the cluster", nodes.len()));
    }
    let shown = unnamed.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    let what =
        format!("{} have GPUs by their type and not the label {label}={value}: {shown}", unnamed.len());
    let advice = "the device plugins' pods and GPU jobs look for the label: add it to the node group or pool";
    Finding::warning(subject, what, advice)
}
