//! Which node a pod is run on.

use serde_json::Value;

use super::{Probe, Way};
use crate::carry_out::patiently;
use crate::devices::{Hardware, Offers};
use crate::doctor::Finding;
use crate::kube::Client;

/// Nodes of a group whose pods are looked at, to find the one with the most room.
const MOST_NODES: usize = 16;
/// The taint of GPU nodes, which the pods tolerate.
const GPU_TAINT: &str = "nvidia.com/gpu";

/// A pod for each kind of hardware, on that of `nodes` that has the most free; and why there is none. `claims` are those
/// of all pods, where devices are given so.
pub async fn probes(
    client: &Client,
    group: &str,
    nodes: &[Value],
    (offers, claims): (&Offers, &[Value]),
) -> (Vec<Probe>, Vec<Finding>) {
    let (mut rooms, mut why) = (Vec::new(), None);
    for node in nodes.iter().filter(|node| takes(node)).take(MOST_NODES) {
        let name = node["metadata"]["name"].as_str().unwrap_or_default();
        let query = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{name}");
        match patiently(|| client.list(&query)).await {
            Ok(pods) => rooms.push(room(node, &pods, offers, claims)),
            Err(failure) => why = Some(failure.to_string()),
        }
    }
    let subject = format!("node group {group}");
    let Some(room) = choose(rooms) else {
        let why = why.unwrap_or_else(|| "no node of it is Ready and takes pods".to_owned());
        return (Vec::new(), vec![Finding::unknown(subject, format_args!("no pod was run: {why}"))]);
    };
    let way = Way::of(offers);
    let (mut probes, mut findings) = (Vec::new(), Vec::new());
    for (hardware, (offered, free)) in Hardware::ALL.into_iter().zip(room.offered.into_iter().zip(room.free))
    {
        let (name, resource) = (&room.name, offers.name(hardware));
        match (offered, free) {
            // A type without EFA has none to give; one that should have some was told of already.
            (0, _) if hardware == Hardware::Efa => {}
            (0, _) => {
                let why = format!("no pod was run: {name} offers no {resource}");
                findings.push(Finding::unknown(&subject, why));
            }
            (_, 0) => {
                let why = format!("no pod was run: all {offered} {resource} of {name} are taken");
                findings.push(Finding::unknown(&subject, why));
            }
            (_, free) => probes.push(Probe::new(hardware, name, free.min(way.most()), way)),
        }
    }
    (probes, findings)
}

/// Whether the scheduler puts such a pod on `node`.
pub fn takes(node: &Value) -> bool {
    let conditions = node["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.clone().any(|found| found["type"] == "Ready" && found["status"] == "True");
    let mut taints = node["spec"]["taints"].as_array().into_iter().flatten();
    let kept_off = taints.any(|taint| taint["key"] != GPU_TAINT && taint["effect"] != "PreferNoSchedule");
    ready && node["spec"]["unschedulable"] != true && !kept_off
}

/// A node, and what no pod has of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// The node.
    pub name: String,
    /// GPUs and EFA interfaces that it offers.
    pub offered: [u64; 2],
    /// Those of them that are free.
    pub free: [u64; 2],
}

/// What `node` has for one more pod beside `pods`, which are on it, and `claims`.
pub fn room(node: &Value, pods: &[Value], offers: &Offers, claims: &[Value]) -> Room {
    let offered = Hardware::ALL.map(|hardware| offers.of(node, hardware).count);
    let taken = Hardware::ALL.map(|hardware| offers.taken(node, hardware, pods, claims));
    let free = [offered[0].saturating_sub(taken[0]), offered[1].saturating_sub(taken[1])];
    Room { name: node["metadata"]["name"].as_str().unwrap_or_default().to_owned(), offered, free }
}

/// The one with the most free GPUs, then interfaces; the first of those that are alike.
pub fn choose(rooms: Vec<Room>) -> Option<Room> {
    let mut rooms = rooms.into_iter();
    let first = rooms.next()?;
    Some(rooms.fold(first, |best, room| if room.free > best.free { room } else { best }))
}
