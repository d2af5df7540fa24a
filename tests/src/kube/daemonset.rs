//! The release `gpunode-daemonset` on a machine in a folder, as the pod of one node.
#![expect(clippy::unwrap_used, reason = "a test that cannot start its program has failed")]

mod wait;

use std::net::SocketAddr;
use std::path::PathBuf;

use gpunode_imds::server::{Content, Server, tree};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::{Client, Cluster, Reporter};
use crate::agent::{Started, program};
use crate::binary;
use crate::looked::Machine;

/// A node of the cluster, the machine behind it, and the pod's token.
pub struct Node {
    /// Its devices and their faults.
    pub machine: Machine,
    /// The pod.
    pub reporter: Reporter,
    admin: Client,
    metadata: Option<Server>,
}

impl Node {
    /// A healthy p5.48xlarge of that name in a cluster with the manifests.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn new(cluster: &Cluster, name: &str) -> Self {
        Self::on(cluster, name, Machine::new("healthy-p5"))
    }

    /// A node on this machine.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn on(cluster: &Cluster, name: &str, machine: Machine) -> Self {
        cluster.node(name).unwrap();
        let reporter = cluster.reporter(name).unwrap();
        Self { reporter, ..Self::to_be_joined(cluster, name, machine) }
    }

    /// A machine that a kubelet makes a node of, with pods that a controller makes.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn to_be_joined(cluster: &Cluster, name: &str, machine: Machine) -> Self {
        let path = |name: &str| cluster.folder().join(name);
        let (token, kubeconfig) = (path("none.token"), path("none.kubeconfig"));
        let reporter = Reporter { node: name.to_owned(), pod: String::new(), token, kubeconfig };
        std::fs::create_dir_all(machine.tree.path().join("proc/sys/kernel/random")).unwrap();
        let node = Self { machine, reporter, admin: cluster.admin().unwrap(), metadata: None };
        node.boot(&format!("boot-of-{name}"));
        node
    }

    /// The machine has this boot id from now on.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn boot(&self, id: &str) {
        let path = self.machine.tree.path().join("proc/sys/kernel/random/boot_id");
        std::fs::write(path, format!("{id}\n")).unwrap();
    }

    /// From the next start on its metadata service answers.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn with_metadata(mut self) -> Self {
        let content = Content { tree: tree(&self.machine.metadata(), None), files: None };
        self.metadata = Some(Server::start(SocketAddr::from(([127, 0, 0, 1], 0)), content).unwrap());
        self
    }

    /// Where its metadata service answers.
    ///
    /// # Panics
    /// When it has none.
    pub fn metadata_endpoint(&self) -> String {
        self.metadata.as_ref().map(Server::endpoint).unwrap()
    }

    /// Lets its pod reach the API server at `url` only.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn through(&self, cluster: &Cluster, url: &str) {
        cluster.kubeconfig(&self.reporter.kubeconfig, url, &self.reporter.token).unwrap();
    }

    /// Starts the program in the pod. Its log is in the folder of the cluster, and goes with it.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&self, more: &[&str]) -> Started {
        let mut command = program(binary::daemonset());
        let (log, endpoint) = (self.log(), self.metadata.as_ref().map(Server::endpoint));
        let out = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        command
            .args(["--root", crate::agent::text(self.machine.tree.path())])
            .args(["--kubeconfig", crate::agent::text(&self.reporter.kubeconfig)])
            .args(["--node-name", &self.reporter.node, "--listen", "127.0.0.1:0", "--json"])
            .args(more)
            // Nobody listens there: discard (RFC 863).
            .env("GPUNODE_IMDS_ENDPOINT", endpoint.as_deref().unwrap_or("http://127.0.0.1:9"))
            .env("POD_NAME", &self.reporter.pod)
            .stdout(out.try_clone().unwrap())
            .stderr(out);
        Started::new(&mut command)
    }

    /// Where the log of its program is.
    pub(crate) fn log(&self) -> PathBuf {
        self.reporter.kubeconfig.with_extension("log")
    }

    /// What `/metrics` says, of the program that was started last; empty while it does not answer.
    pub fn metrics(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let address = |line: &str| {
            let line: Value = serde_json::from_str(line).ok()?;
            line["address"].as_str().map(str::to_owned)
        };
        let Some(address) = text.lines().rev().find_map(address) else { return String::new() };
        let answer = ureq::get(format!("http://{address}/metrics")).call();
        answer.and_then(|mut answer| answer.body_mut().read_to_string()).unwrap_or_default()
    }

    /// The node as the API server has it.
    ///
    /// # Panics
    /// When it is not there.
    pub fn object(&self) -> Value {
        let path = format!("/api/v1/nodes/{}", self.reporter.node);
        self.admin.get(&path).unwrap().granted(&path).unwrap()
    }

    /// Status and reason of a condition; empty where there is none.
    pub fn condition(&self, kind: &str) -> (String, String) {
        let object = self.object();
        let all = object["status"]["conditions"].as_array().into_iter().flatten();
        let found = all.into_iter().find(|condition| condition["type"] == kind);
        let word = |name: &str| found.and_then(|it| it[name].as_str()).unwrap_or_default().to_owned();
        (word("status"), word("reason"))
    }

    /// A field of a condition, such as `lastTransitionTime`; null where there is none.
    pub fn field(&self, kind: &str, field: &str) -> Value {
        let object = self.object();
        let all = object["status"]["conditions"].as_array().into_iter().flatten();
        all.into_iter().find(|it| it["type"] == kind).map(|it| it[field].clone()).unwrap_or_default()
    }

    /// Where the program keeps what it knows.
    pub fn state(&self) -> PathBuf {
        self.machine.tree.path().join("run/gpunode/daemonset.json")
    }

    /// A label's value.
    pub fn label(&self, name: &str) -> Option<String> {
        self.object()["metadata"]["labels"][format!("gpunode.io/{name}")].as_str().map(str::to_owned)
    }

    /// The reasons of the events about the node, with how often each was told.
    ///
    /// # Panics
    /// When they cannot be listed.
    pub fn events(&self) -> Vec<(String, u64)> {
        let path = "/apis/events.k8s.io/v1/namespaces/default/events";
        let list = self.admin.get(path).unwrap().granted(path).unwrap();
        let all = list["items"].as_array().into_iter().flatten();
        let ours = all.filter(|event| event["regarding"]["name"] == self.reporter.node.as_str());
        let one = |event: &Value| {
            let reason = event["reason"].as_str().unwrap_or_default().to_owned();
            (reason, event["series"]["count"].as_u64().unwrap_or(1))
        };
        ours.map(one).collect()
    }
}

/// Ends a program as a kubelet does, and waits for it.
///
/// # Panics
/// When it does not end well.
pub fn end(started: Started) {
    started.signal(Signal::SIGTERM);
    let run = started.finish();
    assert_eq!(run.code, 0, "{run:?}");
}
