//! What a watch showed of a node's condition, one word a change.
#![expect(clippy::unwrap_used, reason = "a test that cannot watch has failed")]

use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use super::Cluster;

/// The statuses of one condition of one node from now on.
#[derive(Debug)]
pub struct History(Receiver<String>);

impl History {
    /// Begins to watch.
    ///
    /// # Panics
    /// When that is not possible.
    pub fn of(cluster: &Cluster, node: &str, kind: &'static str) -> Self {
        let (sender, seen) = channel();
        let watch = cluster.admin().unwrap().watch("/api/v1/nodes").unwrap();
        let node = node.to_owned();
        std::thread::spawn(move || {
            let ours = watch.filter(|event| event["object"]["metadata"]["name"] == node.as_str());
            ours.filter_map(|event| status_of(&event, kind)).for_each(|status| drop(sender.send(status)));
        });
        Self(seen)
    }

    /// The statuses since it was asked last, each once in a row.
    pub fn changes(&self) -> Vec<String> {
        let mut seen: Vec<_> = self.0.try_iter().collect();
        seen.dedup();
        seen
    }
}

fn status_of(event: &Value, kind: &str) -> Option<String> {
    let all = event["object"]["status"]["conditions"].as_array()?;
    let found = all.iter().find(|condition| condition["type"] == kind)?;
    found["status"].as_str().map(str::to_owned)
}
