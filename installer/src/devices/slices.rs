//! `ResourceSlice`s: the devices of a node's pool, in one or several of them.

use serde_json::Value;

use super::{Hardware, Offered};

/// Effects of a taint by which the scheduler leaves a device alone. Source: Kubernetes API reference, `DeviceTaint`.
const KEEPS_OFF: [&str; 2] = ["NoSchedule", "NoExecute"];

/// What the driver of `hardware` says of the node called `node`.
pub(super) fn offered(slices: &[Value], node: &str, hardware: Hardware) -> Offered {
    let slices = newest(slices, node, hardware);
    let mut offered = Offered::default();
    let mut tainted = 0_u64;
    for device in slices.iter().flat_map(|slice| slice["spec"]["devices"].as_array().into_iter().flatten()) {
        if is_whole(device, hardware) {
            let off = is_tainted(device);
            tainted += u64::from(off);
            offered.count += u64::from(!off);
        } else if hardware == Hardware::Gpu {
            offered.parts = true;
        }
    }
    offered.trouble = incomplete(&slices)
        .or_else(|| (tainted > 0).then(|| format!("{tainted} more have a taint that keeps pods off")));
    offered
}

/// The slices of the newest generation of each pool of the node: older ones are being replaced, and the scheduler does not
/// look at them (Kubernetes API reference, `ResourcePool`).
pub(super) fn newest<'a>(slices: &'a [Value], node: &str, hardware: Hardware) -> Vec<&'a Value> {
    let here = |slice: &&Value| {
        slice["spec"]["driver"] == hardware.driver() && !node.is_empty() && slice["spec"]["nodeName"] == node
    };
    let all: Vec<&Value> = slices.iter().filter(here).collect();
    let pool = |slice: &Value| slice["spec"]["pool"]["name"].clone();
    let generation = |slice: &Value| slice["spec"]["pool"]["generation"].as_i64().unwrap_or_default();
    let is_newest = |slice: &&Value| {
        let mut others = all.iter().filter(|other| pool(other) == pool(slice));
        !others.any(|other| generation(other) > generation(slice))
    };
    all.iter().copied().filter(is_newest).collect()
}

/// The scheduler gives nothing of a pool of which a slice is missing.
fn incomplete(slices: &[&Value]) -> Option<String> {
    slices.iter().find_map(|slice| {
        let pool = &slice["spec"]["pool"];
        let wanted = pool["resourceSliceCount"].as_u64().unwrap_or(1);
        let there =
            slices.iter().filter(|other| other["spec"]["pool"]["name"] == pool["name"]).count() as u64;
        (there < wanted).then(|| format!("only {there} of the {wanted} slices of its pool are there"))
    })
}

fn is_whole(device: &Value, hardware: Hardware) -> bool {
    let (name, value) = hardware.attribute();
    let attributes = &device["attributes"];
    // A name without a domain is in the driver's.
    let long = format!("{}/{name}", hardware.driver());
    [name, &long].iter().any(|name| attributes[*name]["string"] == value)
}

fn is_tainted(device: &Value) -> bool {
    let mut taints = device["taints"].as_array().into_iter().flatten();
    taints.any(|taint| KEEPS_OFF.iter().any(|effect| taint["effect"] == *effect))
}

/// Whether the device `name` of `slice`s is a whole one.
pub(super) fn has(slices: &[&Value], (pool, name): (&Value, &Value), hardware: Hardware) -> bool {
    let of_pool = slices.iter().filter(|slice| slice["spec"]["pool"]["name"] == *pool);
    let mut devices = of_pool.flat_map(|slice| slice["spec"]["devices"].as_array().into_iter().flatten());
    devices.any(|device| device["name"] == *name && is_whole(device, hardware) && !is_tainted(device))
}
