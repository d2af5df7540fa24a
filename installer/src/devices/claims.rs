//! `ResourceClaim`s: which devices are given away.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Hardware, slices};

/// How many devices of the node called `node` are given to claims. One that is given with access for administrators only
/// is free for others.
pub(super) fn taken(all: &[Value], node: &str, hardware: Hardware, claims: &[Value]) -> u64 {
    let slices = slices::newest(all, node, hardware);
    let mut given = BTreeSet::new();
    for claim in claims {
        let results = &claim["status"]["allocation"]["devices"]["results"];
        for result in results.as_array().into_iter().flatten() {
            let ours = result["driver"] == hardware.driver() && result["adminAccess"] != true;
            if ours && slices::has(&slices, (&result["pool"], &result["device"]), hardware) {
                given.insert((result["pool"].to_string(), result["device"].to_string()));
            }
        }
    }
    given.len() as u64
}
