//! `bench-kube-scale [NODES [OVERLAY]]`: a fleet of release daemonsets (1000; `GPUNODE_DAEMONSET`) against one API server with
//! the manifests of that overlay (`overlays/flow-control`; `base`) in force. Prints how many conditions came right, how
//! late, and what each node cost by the audit log.

use std::process::ExitCode;

use gpunode_tests::kube::scale;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let nodes = words.next().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let outcome = scale::play(nodes, words.next().as_deref().unwrap_or("overlays/flow-control"));
    if outcome.right == nodes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
