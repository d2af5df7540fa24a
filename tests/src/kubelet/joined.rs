//! The node in its cluster.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::place::Place;
use super::{images, settings};
use crate::agent::text;
use crate::kube::daemonset::Node;
use crate::kube::server::Server;
use crate::kube::{Cluster, Controllers, KUBELETS_NODE, finish, patch};
use crate::looked::Machine;

const DAEMON_SET: &str = "/apis/apps/v1/namespaces/gpunode-system/daemonsets/gpunode-daemonset";
/// The node that the wait for the policies has left, and its pod.
const LEFT: [&str; 2] =
    ["/api/v1/namespaces/gpunode-system/pods/gpunode-daemonset-policy-canary", "/api/v1/nodes/policy-canary"];
/// Far beyond what anything here takes: a container is killed by its third failed probe after a minute, and a node taken for
/// lost a minute after its kubelet's last word.
const PATIENCE: Duration = Duration::from_secs(300);

/// A node that joined by its kubelet; all of it ends on drop.
pub struct Joined {
    // Ended in this order.
    kubelet: Option<Server>,
    containerd: Server,
    controllers: Controllers,
    /// Where kubelet, containerd and the containers are.
    pub place: Place,
    /// The machine, and the node as the API server has it.
    pub node: Node,
    /// Its cluster.
    pub cluster: Cluster,
}

impl Joined {
    /// A healthy p5.48xlarge with the DaemonSet of `manifests/kustomize/base`.
    ///
    /// # Panics
    /// When it does not join.
    pub fn start() -> Self {
        Self::with("base", |_| ())
    }

    /// The same with another kustomization, on a machine to which something was done after the agent's boot.
    ///
    /// # Panics
    /// When it does not join.
    pub fn with(kustomization: &str, change: impl FnOnce(&Machine)) -> Self {
        let cluster = Cluster::start().unwrap();
        cluster.deploy(kustomization).unwrap();
        let admin = cluster.admin().unwrap();
        for path in LEFT {
            admin.delete(path).unwrap().granted(path).unwrap();
        }
        let node = Node::to_be_joined(&cluster, KUBELETS_NODE, Machine::new("healthy-p5")).with_metadata();
        let root = node.machine.tree.path().to_owned();
        admin
            .patch(DAEMON_SET, patch::STRATEGIC, &volumes(&root))
            .unwrap()
            .granted("the volumes' folders")
            .unwrap();
        settings::prepare(&node);
        settings::kubelet(&cluster, &node);
        change(&node.machine);

        let controllers = cluster.control().unwrap();
        let log = |name: &str| cluster.folder().join(name);
        let addresses = [settings::SERVICE, settings::ADDRESS];
        let place = Place::new(&root, KUBELETS_NODE, &addresses, &log("place.log"));
        let server = address(cluster.url());
        place.forward(SocketAddr::new(settings::SERVICE.parse().unwrap(), 443), server);
        let metadata = address(&node.metadata_endpoint());
        place.forward(metadata, metadata);
        let containerd = start(&place, "containerd", &["containerd"], &log("containerd.log"));
        let mut joined = Self { kubelet: None, containerd, controllers, place, node, cluster };
        joined.until("containerd", || finish(joined.place.command(&["ctr", "version"])).is_ok());
        images::import(&joined.place, joined.cluster.folder());
        joined.start_kubelet();
        joined.until("the node's being ready", || joined.condition("Ready") == "True");
        joined
    }

    /// Starts the kubelet.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start_kubelet(&mut self) {
        let cgroup = format!("/{}", self.place.cgroup);
        let words = [
            "kubelet",
            "--config",
            settings::KUBELET_CONFIG,
            "--kubeconfig",
            settings::KUBECONFIG,
            "--cgroup-root",
            &cgroup,
            "--node-ip",
            settings::ADDRESS,
            "--node-labels",
            "node.kubernetes.io/instance-type=p5.48xlarge",
        ];
        self.kubelet = Some(start(&self.place, "kubelet", &words, &self.log("kubelet.log")));
    }

    /// Kills the kubelet, and waits until it is gone; its pods stay.
    ///
    /// # Panics
    /// When it does not run.
    pub fn stop_kubelet(&mut self) {
        let server = self.kubelet.take().unwrap();
        let starter = server.pid();
        let children = std::fs::read_to_string(format!("/proc/{starter}/task/{starter}/children")).unwrap();
        let child = children.trim().to_owned();
        assert!(child.parse::<u32>().is_ok(), "the kubelet of {starter}: {child:?}");
        drop(server);
        self.until("the kubelet's end", || !Path::new("/proc").join(&child).exists());
    }

    /// The status of one of the node's conditions; empty where there is none, or no node.
    pub fn condition(&self, kind: &str) -> String {
        let path = format!("/api/v1/nodes/{KUBELETS_NODE}");
        let object = self.get(&path);
        let all = object["status"]["conditions"].as_array().into_iter().flatten();
        let found = all.into_iter().find(|it| it["type"] == kind);
        found.and_then(|it| it["status"].as_str()).unwrap_or_default().to_owned()
    }

    /// An object, or what the API server says in its place.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn get(&self, path: &str) -> Value {
        self.cluster.admin().unwrap().get(path).unwrap().body
    }

    /// Waits until something is so.
    ///
    /// # Panics
    /// When it does not come, or a server has ended; with the ends of the logs.
    pub fn until(&self, what: &str, mut so: impl FnMut() -> bool) {
        let started = Instant::now();
        while !so() {
            self.containerd.check().unwrap();
            self.controllers.check().unwrap();
            if let Some(kubelet) = &self.kubelet {
                kubelet.check().unwrap();
            }
            assert!(started.elapsed() < PATIENCE, "waited in vain for {what}\n{}", self.told());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What there is to say of a failure.
    fn told(&self) -> String {
        let end = |name: &str| {
            let text = std::fs::read_to_string(self.log(name)).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            format!("{name}:\n{}", lines[lines.len().saturating_sub(25)..].join("\n"))
        };
        let pods = self.cluster.kubectl(&["get", "pods,events", "--all-namespaces", "--output=wide"]);
        format!("{}\n{}\n{}", end("kubelet.log"), end("containerd.log"), pods.unwrap_or_default())
    }

    fn log(&self, name: &str) -> std::path::PathBuf {
        self.cluster.folder().join(name)
    }
}

fn start(place: &Place, name: &'static str, words: &[&str], log: &Path) -> Server {
    let words: Vec<_> = place.words().into_iter().chain(words.iter().map(|&it| it.to_owned())).collect();
    Server::start(name, Path::new("nsenter"), &words, log.to_owned()).unwrap()
}

/// The host's root is the machine's folder.
fn volumes(root: &Path) -> Value {
    let state = root.join("run/gpunode");
    json!({"spec": {"template": {"spec": {"volumes": [
        {"name": "host", "hostPath": {"path": text(root)}},
        {"name": "state", "hostPath": {"path": text(&state)}},
    ]}}}})
}

fn address(url: &str) -> SocketAddr {
    url.rsplit('/').next().unwrap().parse().unwrap()
}
