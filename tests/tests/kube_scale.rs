//! A fleet turns sick at once, and well again.
#![allow(clippy::unwrap_used, reason = "what helps a test is a test")]

use gpunode_tests::binary;
use gpunode_tests::kube::scale;

#[test]
fn every_node_of_a_fleet_is_told_right_and_asks_for_little() {
    let nodes = if binary::thorough() { 1000 } else { 100 };
    let outcome = scale::play(nodes, "overlays/flow-control");
    assert_eq!(outcome.right, nodes, "{outcome:?}");
    // The first words of each area, the two turns, and their events; what was refused is asked again.
    assert!(outcome.writes < 10.0, "{outcome:?}");
    assert!(outcome.bytes < 10_000.0, "{outcome:?}");
}
