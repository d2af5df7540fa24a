//! The manifests as they are, in a control plane.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Client, Cluster, Error};
use crate::binary;

/// A node that nothing but the wait for the policies uses.
const CANARY: &str = "policy-canary";
const PATIENCE: Duration = Duration::from_secs(120);

impl Cluster {
    /// Applies `manifests/kustomize/…` with real kubectl, unknown fields being errors, and waits until the admission
    /// policies are in force: the API server takes new ones up a moment after they are stored.
    pub fn deploy(&self, kustomization: &str) -> Result<(), Error> {
        let folder = binary::bed().join("../manifests/kustomize").join(kustomization);
        let folder = folder.display().to_string();
        self.kubectl(&["apply", "--server-side", "--validate=strict", "-k", &folder])?;
        self.node(CANARY)?;
        let client = self.as_reporter(&self.reporter(CANARY)?)?;
        // Something else each time: what changes nothing is granted.
        until_denied("the policy for nodes", |time| {
            let labels = json!({"canary": time.to_string()});
            let object = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"labels": labels}});
            client.apply(&format!("/api/v1/nodes/{CANARY}"), "gpunode-daemonset", &object)
        })?;
        let events = "/apis/events.k8s.io/v1/namespaces/default/events";
        until_denied("the policy for events", |time| {
            client.create(events, &event("another-node", &format!("canary.{time}")))
        })
    }

    /// Makes the kinds of the Prometheus operator known, as far as the manifests use them.
    pub fn extend_api(&self) -> Result<(), Error> {
        let file = binary::bed().join("kube/monitoring-crds.yaml").display().to_string();
        self.kubectl(&["apply", "--server-side", "-f", &file])?;
        let kinds = ["podmonitors", "servicemonitors", "prometheusrules"];
        let names = kinds.map(|kind| format!("crd/{kind}.monitoring.coreos.com"));
        let mut words = vec!["wait", "--for=condition=Established", "--timeout=60s"];
        words.extend(names.iter().map(String::as_str));
        self.kubectl(&words).map(drop)
    }

    /// A client of the pod on a new node.
    pub fn reporter_client(&self, node: &str) -> Result<Client, Error> {
        self.node(node)?;
        self.as_reporter(&self.reporter(node)?)
    }
}

/// An event of ours about a node.
pub fn event(node: &str, name: &str) -> Value {
    json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event",
        "metadata": {"name": name, "namespace": "default"},
        "eventTime": "2026-11-21T00:00:00.000000Z", "type": "Warning", "reason": "Xid79", "action": "Found",
        "note": "GPU 3 fell off the bus", "reportingController": "gpunode.io/daemonset",
        "reportingInstance": "gpunode-daemonset-x",
        "regarding": {"apiVersion": "v1", "kind": "Node", "name": node},
    })
}

fn until_denied(what: &str, attempt: impl Fn(u32) -> Result<super::Answer, Error>) -> Result<(), Error> {
    let started = Instant::now();
    for time in 0.. {
        let answer = attempt(time)?;
        if answer.status == 403 {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            return Err(Error::Answer {
                what: what.to_owned(),
                detail: format!("never in force: {answer:?}"),
            });
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
