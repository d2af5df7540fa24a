//! The DaemonSet's pod on the node, as its manifest says it: systemd is its container runtime. It has a root with nothing
//! but the program in it, the machine's tree at `/host` to read, the devices of the agent's CDI specification, a token
//! bound to pod and node, and no right beyond those of the manifest.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gpunode_tests::kube::{Client, Cluster, Reporter, patch};
use gpunode_tests::node::{done, ok};
use gpunode_tests::vm::Vm;
use serde_json::{Value, json};

use crate::kubelet::Told;

const DAEMON_SET: &str = "/apis/apps/v1/namespaces/gpunode-system/daemonsets/gpunode-daemonset";
const UNIT: &str = "pod.service";
const ROOT: &str = "/run/pod";
const SECRETS: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Far beyond what anything takes, even emulated; only what hangs, or is wrong, gets there.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) struct Pod<'a> {
    vm: &'a Vm,
    admin: Client,
    reporter: Reporter,
}

impl<'a> Pod<'a> {
    /// Starts it, and says that it is ready once it is.
    pub(crate) fn start(vm: &'a Vm, cluster: &Cluster, told: &Told, node: &str) -> Self {
        let pod = Self { vm, admin: cluster.admin().unwrap(), reporter: cluster.reporter(node).unwrap() };
        let set = pod.admin.get(DAEMON_SET).unwrap().granted(DAEMON_SET).unwrap();
        let template = &set["spec"]["template"];
        assert_eq!(template["spec"]["containers"][0]["env"][1]["value"], "gpunode.io/host=all", "{template}");
        pod.put_secrets(&told.authority);
        ok(vm, &format!("install -m 755 /run/bed/files/gpunode-daemonset {ROOT}/"));
        let unit = unit(&template["spec"], &pod.devices(), &told.server, node);
        done("unit", vm.put(&format!("/run/systemd/system/{UNIT}"), unit.as_bytes(), "644"));
        ok(vm, &format!("systemctl daemon-reload && systemctl start {UNIT}"));
        ok(vm, "until curl -fs http://127.0.0.1:9879/readyz; do sleep 0.2; done");
        let path = format!("/api/v1/namespaces/gpunode-system/pods/{}", pod.reporter.pod);
        let labels = json!({ "metadata": { "labels": template["metadata"]["labels"] } });
        pod.change(&path, &labels);
        let ready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
        pod.change(&format!("{path}/status"), &ready);
        pod
    }

    /// As the kubelet keeps them for a pod.
    fn put_secrets(&self, authority: &str) {
        let token = std::fs::read(&self.reporter.token).unwrap();
        let authority = STANDARD.decode(authority).unwrap();
        for (name, bytes) in [("token", token), ("ca.crt", authority)] {
            done(name, self.vm.put(&format!("{ROOT}{SECRETS}/{name}"), &bytes, "600"));
        }
    }

    /// Puts another token in the place of the first, as the kubelet does before one expires: the shortest life of one may be
    /// over on a slow machine.
    pub(crate) fn renew_token(&self, cluster: &Cluster) {
        cluster.renew_token(&self.reporter).unwrap();
        let (token, place) = (std::fs::read(&self.reporter.token).unwrap(), format!("{ROOT}{SECRETS}/token"));
        done("token", self.vm.put(&format!("{place}.fresh"), &token, "600"));
        ok(self.vm, &format!("mv {place}.fresh {place}"));
    }

    /// Path and permissions of each device that the agent's specification gives the pod.
    fn devices(&self) -> Vec<(String, String)> {
        let text = done("CDI", self.vm.get("/etc/cdi/gpunode.json"));
        let spec: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(spec["kind"], "gpunode.io/host", "{spec}");
        let nodes = spec["devices"][0]["containerEdits"]["deviceNodes"].as_array().unwrap();
        let text = |node: &Value, name: &str| node[name].as_str().unwrap().to_owned();
        nodes.iter().map(|node| (text(node, "path"), text(node, "permissions"))).collect()
    }

    fn change(&self, path: &str, change: &Value) {
        self.admin.patch(path, patch::MERGE, change).unwrap().granted(path).unwrap();
    }

    /// The node as the API server has it.
    pub(crate) fn node(&self) -> Value {
        let path = format!("/api/v1/nodes/{}", self.reporter.node);
        self.admin.get(&path).unwrap().granted(&path).unwrap()
    }

    /// Status and reason of a condition.
    pub(crate) fn condition(&self, kind: &str) -> (String, String) {
        let node = self.node();
        let all = node["status"]["conditions"].as_array().unwrap();
        let found = all.iter().find(|it| it["type"] == kind).unwrap_or(&Value::Null);
        let word = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        (word("status"), word("reason"))
    }

    /// Since when a condition has its status, in seconds since 1970.
    pub(crate) fn since(&self, kind: &str) -> i64 {
        let node = self.node();
        let all = node["status"]["conditions"].as_array().unwrap();
        let found = all.iter().find(|it| it["type"] == kind).unwrap();
        let since = found["lastTransitionTime"].as_str().unwrap();
        ok(self.vm, &format!("date --date={since} +%s")).parse().unwrap()
    }

    /// Type, status and reason of each condition.
    pub(crate) fn words(&self) -> Vec<[String; 3]> {
        let node = self.node();
        let all = node["status"]["conditions"].as_array().unwrap();
        let word = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
        all.iter().map(|it| ["type", "status", "reason"].map(|name| word(it, name))).collect()
    }

    /// Waits until its log has a line like this extended regular expression.
    pub(crate) fn until_logged(&self, line: &str) {
        let look = format!("journalctl -b --no-pager --output cat --unit {UNIT} | grep -Ec '{line}' || true");
        self.wait(line, |pod| ok(pod.vm, &look) != "0");
    }

    /// Whether the cluster was told an event with this reason.
    pub(crate) fn has_told(&self, reason: &str) -> bool {
        let path = "/apis/events.k8s.io/v1/namespaces/default/events";
        let list = self.admin.get(path).unwrap().granted(path).unwrap();
        let ours = |it: &&Value| it["regarding"]["name"] == self.reporter.node.as_str();
        list["items"].as_array().unwrap().iter().filter(ours).any(|it| it["reason"] == reason)
    }

    /// Waits until a condition has this status, and this reason where one is given.
    pub(crate) fn until(&self, kind: &str, status: &str, reason: &str) {
        self.wait(&format!("{kind} {status} {reason}"), |pod| {
            let (is, why) = pod.condition(kind);
            is == status && (reason.is_empty() || why == reason)
        });
    }

    /// Waits until these labels of ours have these values, or are not there.
    pub(crate) fn until_labels(&self, wanted: &[(&str, Option<&str>)]) {
        self.wait(&format!("{wanted:?}"), |pod| {
            let labels = pod.node()["metadata"]["labels"].clone();
            wanted.iter().all(|(name, value)| labels[format!("gpunode.io/{name}")].as_str() == *value)
        });
    }

    /// Waits until something is so.
    pub(crate) fn wait(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !so(self) {
            if started.elapsed() > PATIENCE {
                let log =
                    ok(self.vm, &format!("journalctl --no-pager --lines 30 --output cat --unit {UNIT}"));
                panic!("waited in vain for {what}\n{:#}\n{log}", self.node());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// The container of the manifest as a unit.
fn unit(pod: &Value, devices: &[(String, String)], server: &str, node: &str) -> String {
    let container = &pod["containers"][0];
    let list = |it: &Value| -> Vec<String> {
        it.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let security = &container["securityContext"];
    let (capabilities, asked) = (&security["capabilities"], &container["env"][0]);
    assert_eq!((&capabilities["drop"], &asked["name"]), (&json!(["ALL"]), &json!("NODE_NAME")));
    assert_eq!(
        (&pod["hostNetwork"], &security["allowPrivilegeEscalation"], &security["runAsUser"]),
        (&json!(true), &json!(false), &json!(0))
    );
    let mounts = container["volumeMounts"].as_array().unwrap().iter().map(|it| it["mountPath"].as_str());
    assert_eq!(mounts.collect::<Vec<_>>(), [Some("/host"), Some("/host/run/gpunode")]);
    let capabilities: Vec<_> = list(&capabilities["add"]).iter().map(|it| format!("CAP_{it}")).collect();
    let memory = container["resources"]["limits"]["memory"].as_str().unwrap().trim_end_matches('i');
    let (host, port) = server.trim_start_matches("https://").rsplit_once(':').unwrap();
    let allow = devices.iter().map(|(path, how)| format!("DeviceAllow={path} {how}\n"));
    format!(
        "[Service]\nRootDirectory={ROOT}\nMountAPIVFS=yes\nBindReadOnlyPaths=/:/host\n\
         BindPaths=/run/gpunode:/host/run/gpunode\nCapabilityBoundingSet={}\nNoNewPrivileges=yes\n\
         MemoryMax={memory}\nDevicePolicy=closed\n{}Environment=NODE_NAME={node}\n\
         Environment=KUBERNETES_SERVICE_HOST={host} KUBERNETES_SERVICE_PORT={port}\n\
         ExecStart=/gpunode-daemonset {}\n",
        capabilities.join(" "),
        allow.collect::<String>(),
        list(&container["args"]).join(" "),
    )
}
