//! Nodes, and the reporters on them: a pod of the DaemonSet with its own token.

use serde_json::{Value, json};

use super::pki::write;
use super::{Client, Cluster, Error};
use std::path::PathBuf;

const NAMESPACE: &str = "gpunode-system";
const ACCOUNT: &str = "gpunode-daemonset";
/// The shortest life that the API server grants, in seconds.
const LIFE: u32 = 600;

/// What a pod of the DaemonSet on one node has: its name, its token in a file, and a kubeconfig with it.
#[derive(Debug)]
pub struct Reporter {
    /// The node's name.
    pub node: String,
    /// The pod's name.
    pub pod: String,
    /// The file with the token, which is read again from time to time, as in a pod.
    pub token: PathBuf,
    /// A kubeconfig with that token.
    pub kubeconfig: PathBuf,
}

impl Cluster {
    /// The DaemonSet's namespace and service account without anything else of the manifests, unless they are there.
    pub fn namespace(&self) -> Result<(), Error> {
        let admin = self.admin()?;
        let account = json!({"metadata": {"name": ACCOUNT}});
        for (path, object) in [
            ("/api/v1/namespaces".to_owned(), json!({"metadata": {"name": NAMESPACE}})),
            (format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts"), account),
        ] {
            let answer = admin.create(&path, &object)?;
            if answer.status != 409 {
                answer.granted(&path)?;
            }
        }
        Ok(())
    }

    /// Creates a node as a kubelet does, with conditions of its own.
    pub fn node(&self, name: &str) -> Result<Value, Error> {
        let admin = self.admin()?;
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {
                "kubernetes.io/hostname": name, "node.kubernetes.io/instance-type": "p5en.48xlarge", "team": "a",
            }, "annotations": {"note": "not ours"}},
            "spec": {"providerID": format!("aws:///us-east-1a/{name}"),
                     "taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]},
        });
        let path = "/api/v1/nodes?fieldManager=kubelet";
        admin.create(path, &node)?.granted(&format!("create node {name}"))?;
        let status = json!({"status": {
            "capacity": {"cpu": "192", "memory": "2Ti", "nvidia.com/gpu": "8"},
            "conditions": [
                {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is ready",
                 "lastHeartbeatTime": "2026-11-21T00:00:00Z", "lastTransitionTime": "2026-11-21T00:00:00Z"},
                {"type": "KernelDeadlock", "status": "False", "reason": "KernelHasNoDeadlock", "message": "",
                 "lastHeartbeatTime": "2026-11-21T00:00:00Z", "lastTransitionTime": "2026-11-21T00:00:00Z"},
            ],
        }});
        let path = format!("/api/v1/nodes/{name}/status?fieldManager=kubelet");
        admin.patch(&path, super::patch::STRATEGIC, &status)?.granted(&format!("status of node {name}"))
    }

    /// A pod of the DaemonSet on `node`, bound there as by the scheduler, with a token of its own.
    pub fn reporter(&self, node: &str) -> Result<Reporter, Error> {
        self.reporter_named(node, &format!("gpunode-daemonset-{node}"))
    }

    /// The same with a name, for several on one node.
    pub fn reporter_named(&self, node: &str, pod: &str) -> Result<Reporter, Error> {
        let folder = self.folder();
        let reporter = Reporter {
            node: node.to_owned(),
            pod: pod.to_owned(),
            token: folder.join(format!("{pod}.token")),
            kubeconfig: folder.join(format!("{pod}.kubeconfig")),
        };
        self.create_pod(&reporter)?;
        self.write_token(&reporter)?;
        self.kubeconfig(&reporter.kubeconfig, self.url(), &reporter.token)?;
        Ok(reporter)
    }

    /// A client with the reporter's token.
    pub fn as_reporter(&self, reporter: &Reporter) -> Result<Client, Error> {
        let token = std::fs::read_to_string(&reporter.token).map_err(super::error::at(&reporter.token))?;
        self.client(&token)
    }

    /// Puts another token into the reporter's file, as the kubelet does before one expires.
    pub fn renew_token(&self, reporter: &Reporter) -> Result<(), Error> {
        self.write_token(reporter)
    }

    /// Deletes the reporter's pod and creates it anew: its old token is refused from then on, within the ten seconds
    /// that the API server remembers tokens.
    pub fn replace_pod(&self, reporter: &Reporter) -> Result<(), Error> {
        let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{}", reporter.pod);
        self.admin()?.delete(&path)?.granted("delete the pod")?;
        self.create_pod(reporter)
    }

    fn create_pod(&self, reporter: &Reporter) -> Result<(), Error> {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": reporter.pod, "namespace": NAMESPACE},
            "spec": {"nodeName": reporter.node, "serviceAccountName": ACCOUNT,
                     "containers": [{"name": "gpunode-daemonset", "image": "gpunode-daemonset"}]},
        });
        let path = format!("/api/v1/namespaces/{NAMESPACE}/pods");
        self.admin()?.create(&path, &pod)?.granted(&format!("create pod {}", reporter.pod)).map(drop)
    }

    fn write_token(&self, reporter: &Reporter) -> Result<(), Error> {
        let admin = self.admin()?;
        let pods = format!("/api/v1/namespaces/{NAMESPACE}/pods/{}", reporter.pod);
        let uid = admin.get(&pods)?.granted(&pods)?["metadata"]["uid"].clone();
        let bound = json!({"kind": "Pod", "apiVersion": "v1", "name": reporter.pod, "uid": uid});
        let token = self.token(Some(&bound))?;
        // Renamed into place: a reader sees the old token or the new one, never half of one.
        let fresh = reporter.token.with_extension("fresh");
        write(&fresh, &token)?;
        std::fs::rename(&fresh, &reporter.token).map_err(super::error::at(&reporter.token))
    }

    /// A token of the DaemonSet's service account, bound to an object or to none.
    pub fn token(&self, bound: Option<&Value>) -> Result<String, Error> {
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"expirationSeconds": LIFE, "boundObjectRef": bound},
        });
        let path = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{ACCOUNT}/token");
        let answer = self.admin()?.create(&path, &request)?.granted("request a token")?;
        Ok(answer["status"]["token"].as_str().unwrap_or_default().to_owned())
    }
}
