//! The release `gpunode-daemonset` on a machine in a folder, as the pod of one node.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot start its program has failed")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{Client, Cluster, Reporter};
use crate::agent::{Started, program};
use crate::binary;
use crate::looked::Machine;

/// Far beyond what anything here takes; only what hangs, or is wrong, gets there.
const PATIENCE: Duration = Duration::from_secs(120);

/// A node of the cluster, the machine behind it, and the pod's token.
pub struct Node {
    /// Its devices and their faults.
    pub machine: Machine,
    /// The pod.
    pub reporter: Reporter,
    admin: Client,
}

impl Node {
    /// A healthy p5.48xlarge of that name in a cluster with the manifests.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn new(cluster: &Cluster, name: &str) -> Self {
        cluster.node(name).unwrap();
        let machine = Machine::new("healthy-p5");
        let boot_id = machine.tree.path().join("proc/sys/kernel/random/boot_id");
        std::fs::create_dir_all(boot_id.parent().unwrap()).unwrap();
        std::fs::write(boot_id, format!("boot-of-{name}\n")).unwrap();
        Self { machine, reporter: cluster.reporter(name).unwrap(), admin: cluster.admin().unwrap() }
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
        let log = self.log();
        let out = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        command
            .args(["--root", crate::agent::text(self.machine.tree.path())])
            .args(["--kubeconfig", crate::agent::text(&self.reporter.kubeconfig)])
            .args(["--node-name", &self.reporter.node, "--listen", "127.0.0.1:0", "--json"])
            .args(more)
            // Nobody listens there: discard (RFC 863).
            .env("GPUNODE_IMDS_ENDPOINT", "http://127.0.0.1:9")
            .env("POD_NAME", &self.reporter.pod)
            .stdout(out.try_clone().unwrap())
            .stderr(out);
        Started::new(&mut command)
    }

    fn log(&self) -> PathBuf {
        self.reporter.kubeconfig.with_extension("log")
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

    /// Waits until a condition has this status and reason.
    ///
    /// # Panics
    /// When it does not come.
    pub fn until(&self, kind: &str, status: &str, reason: &str) {
        self.wait(&format!("{kind} {status} {reason}"), |node| {
            let (is, why) = node.condition(kind);
            is == status && (reason.is_empty() || why == reason)
        });
    }

    /// Waits until an event with this reason is told.
    ///
    /// # Panics
    /// When it is not.
    pub fn until_told(&self, reason: &str) {
        self.wait(&format!("event {reason}"), |node| node.events().iter().any(|(told, _)| told == reason));
    }

    /// Waits until the program says this in its log.
    ///
    /// # Panics
    /// When it does not.
    pub fn until_logged(&self, words: &str) {
        let log = self.log();
        self.wait(&format!("the log's {words:?}"), |_| {
            std::fs::read_to_string(&log).is_ok_and(|text| text.contains(words))
        });
    }

    /// Waits until something is so, for two minutes at most.
    ///
    /// # Panics
    /// When it does not come; with the node and the end of the program's log.
    pub fn wait(&self, what: &str, so: impl Fn(&Self) -> bool) {
        self.wait_within(PATIENCE, what, so);
    }

    /// The same with another limit.
    ///
    /// # Panics
    /// When it does not come; with the node and the end of the program's log.
    pub fn wait_within(&self, patience: Duration, what: &str, so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !so(self) {
            if started.elapsed() > patience {
                let log = std::fs::read_to_string(self.log()).unwrap_or_default();
                let lines: Vec<_> = log.lines().collect();
                let end = lines[lines.len().saturating_sub(12)..].join("\n");
                let (object, events) = (self.object(), self.events());
                let (labels, status) = (&object["metadata"]["labels"], &object["status"]["conditions"]);
                panic!("waited in vain for {what}\n{labels}\n{status}\n{events:?}\n{end}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
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
