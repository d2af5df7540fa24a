//! Our conditions and the kubelet's in one list.

use std::collections::BTreeSet;
use std::sync::mpsc::channel;
use std::time::Duration;

use gpunode_tests::kube::KUBELETS_NODE;
use gpunode_tests::kubelet::Joined;
use serde_json::Value;

/// What the DaemonSet tells of every node.
pub(crate) const OURS: [&str; 3] = ["GPUHealthy", "EFAHealthy", "NodeStorageHealthy"];
/// What every kubelet tells, and how that is on a node that is well.
const KUBELETS: [(&str, &str); 4] =
    [("Ready", "True"), ("MemoryPressure", "False"), ("DiskPressure", "False"), ("PIDPressure", "False")];
/// Writes of the kubelet that are waited for.
const WRITES: usize = 6;
/// The kubelet writes once a second, or a few.
const PATIENCE: Duration = Duration::from_secs(120);

/// Watches until the kubelet has written its conditions some times more: both owners' are there in every state of the node,
/// and ours as they are said to be.
pub(crate) fn beside_the_kubelet(node: &Joined, ours: &[&str; OURS.len()]) {
    let watch = node.cluster.admin().unwrap().watch("/api/v1/nodes").unwrap();
    let (sender, changes) = channel();
    std::thread::spawn(move || {
        let nodes = watch.filter(|event| event["object"]["metadata"]["name"] == KUBELETS_NODE);
        // Until nobody wants them any more.
        let _ = nodes.map(|event| sender.send(event)).take_while(Result::is_ok).count();
    });
    let mut written = BTreeSet::new();
    let mut seen = 0;
    while written.len() < WRITES {
        let event = changes
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|error| panic!("the kubelet does not write: {error}"));
        let conditions = &event["object"]["status"]["conditions"];
        let status = |kind: &str| {
            let found = conditions.as_array().into_iter().flatten().find(|it| it["type"] == kind);
            found.map(|it| it["status"].clone()).unwrap_or_default()
        };
        let wanted = KUBELETS.into_iter().chain(OURS.into_iter().zip(ours.iter().copied()));
        for (kind, wanted) in wanted {
            assert_eq!(status(kind), Value::from(wanted), "{kind} after {seen} changes: {conditions}");
        }
        let ready = conditions.as_array().unwrap().iter().find(|it| it["type"] == "Ready");
        written.insert(ready.unwrap()["lastHeartbeatTime"].to_string());
        seen += 1;
    }
    println!("{seen} states of the node, {} writes of the kubelet: {OURS:?} stayed {ours:?}", written.len());
}
