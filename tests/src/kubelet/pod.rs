//! The DaemonSet's pod on the node, and its container.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{Joined, settings};
use crate::agent::Run;
use crate::container::status;
use crate::kube::KUBELETS_NODE;

const PODS: &str = "/api/v1/namespaces/gpunode-system/pods";

/// A container of the pod that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The pod's name.
    pub pod: String,
    /// How often the kubelet has started it again.
    pub restarts: u64,
    /// containerd's name for it.
    pub id: String,
}

impl Joined {
    /// Waits until a pod that is not to end has a container that runs and, by the kubelet's probes, is ready.
    ///
    /// # Panics
    /// When none comes.
    pub fn until_ready(&self) -> Running {
        self.until_running("a ready pod", |_| true)
    }

    /// The same of a container that `is` the one that is meant.
    ///
    /// # Panics
    /// When none comes.
    pub fn until_running(&self, what: &str, is: impl Fn(&Running) -> bool) -> Running {
        let mut found = None;
        self.until(what, || {
            found = self.running().filter(&is);
            found.is_some()
        });
        found.unwrap()
    }

    fn running(&self) -> Option<Running> {
        let list = self.pods();
        let mut pods = list["items"].as_array().into_iter().flatten();
        let pod = pods.find(|it| it["metadata"]["deletionTimestamp"].is_null())?;
        let container = &pod["status"]["containerStatuses"][0];
        let ready = container["ready"] == true && !container["state"]["running"].is_null();
        let id = container["containerID"].as_str()?.strip_prefix("containerd://")?;
        ready.then(|| Running {
            pod: pod["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
            restarts: container["restartCount"].as_u64().unwrap_or_default(),
            id: id.to_owned(),
        })
    }

    /// Waits until the kubelet says that the pod's container waits for this reason, and gives its message.
    ///
    /// # Panics
    /// When it does not.
    pub fn until_waiting(&self, reasons: &[&str]) -> String {
        let mut message = String::new();
        self.until("a container that waits", || {
            let list = self.pods();
            let waiting = &list["items"][0]["status"]["containerStatuses"][0]["state"]["waiting"];
            waiting["message"].as_str().unwrap_or_default().clone_into(&mut message);
            waiting["reason"].as_str().is_some_and(|it| reasons.contains(&it))
        });
        message
    }

    /// Those on the node.
    fn pods(&self) -> Value {
        self.get(&format!("{PODS}?fieldSelector=spec.nodeName={KUBELETS_NODE}"))
    }

    /// Runs a script in the container, with the rights of its program. `$B` is a busybox, by a path of the host's.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn inside(&self, running: &Running, script: &str) -> Run {
        let script = format!("B=/host/bin/busybox\n{script}");
        let ctr = ["ctr", "--namespace", "k8s.io", "tasks", "exec", "--exec-id", "test", &running.id];
        let shell = ["/host/bin/busybox", "sh", "-c", &script];
        let output = self.place.command(&[&ctr[..], &shell].concat()).output().unwrap();
        let [stdout, stderr] =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        Run { code: output.status.code().unwrap_or(-1), stdout, stderr }
    }

    /// What `/metrics` says; empty while nobody answers.
    ///
    /// # Panics
    /// When the node is gone.
    pub fn metrics(&self) -> String {
        let address = SocketAddr::new(settings::ADDRESS.parse().unwrap(), 9879);
        let mut text = String::new();
        let asked = self.place.connect(address).and_then(|mut stream| {
            stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
            stream.read_to_string(&mut text)
        });
        asked.map_or_else(|_| String::new(), |_| text)
    }

    /// A field of the pod, by a JSON pointer.
    pub fn pod(&self, running: &Running, pointer: &str) -> Value {
        let pod = self.get(&format!("{PODS}/{}", running.pod));
        pod.pointer(pointer).cloned().unwrap_or_default()
    }
}

impl Running {
    /// Its processes, as this machine numbers them: the first is the daemonset.
    ///
    /// # Panics
    /// When there are none.
    pub fn processes(&self) -> Vec<u32> {
        let of_it =
            |path: &Path| fs::read_to_string(path.join("cgroup")).is_ok_and(|it| it.contains(&self.id));
        let entries = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        let mut pids: Vec<u32> = entries
            .filter(|path| of_it(path))
            .filter_map(|path| path.file_name()?.to_str()?.parse().ok())
            .collect();
        // The first of its own namespace.
        pids.sort_by_key(|&pid| status(pid, "NSpid").split_whitespace().next_back() != Some("1"));
        assert!(!pids.is_empty(), "no process of {}", self.id);
        pids
    }

    /// Sends its first process a signal.
    ///
    /// # Panics
    /// When it is gone.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.processes()[0].cast_signed()), signal).unwrap();
    }

    /// A file of its memory cgroup: by its name in version 1, or in version 2.
    ///
    /// # Panics
    /// When there is none.
    pub fn memory(&self, one: &str, two: &str) -> String {
        let text = fs::read_to_string(format!("/proc/{}/cgroup", self.processes()[0])).unwrap();
        let group =
            |kind: &str| text.lines().find_map(|line| line.split_once(kind)).map(|(_, path)| path.to_owned());
        let path: PathBuf = match group(":memory:") {
            Some(path) => format!("/sys/fs/cgroup/memory{path}/{one}").into(),
            None => format!("/sys/fs/cgroup{}/{two}", group("0::").unwrap()).into(),
        };
        fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            .trim()
            .to_owned()
    }
}
