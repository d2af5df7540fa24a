//! What the node's programs are told, by files in the machine's folder.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use super::images;
use crate::agent::{bootstrap, finish};
use crate::container;
use crate::kube::daemonset::Node;
use crate::kube::{Cluster, KUBELET, containerd_programs, node_programs, nvidia_container_runtime};

/// Where pods find the API server: the first address of the range of services.
pub(super) const SERVICE: &str = "10.0.0.1";
/// The node's own address, on which its pods are probed.
pub(super) const ADDRESS: &str = "10.1.0.2";
/// Where the kubelet reads what it is told.
pub(super) const KUBELET_CONFIG: &str = "/etc/kubernetes/kubelet/config.json";
pub(super) const KUBECONFIG: &str = "/etc/kubernetes/kubelet.kubeconfig";
const AUTHORITY: &str = "/etc/kubernetes/pki/ca.crt";

/// containerd's as an image brings it, before the agent: what else must be said. A lower OOM score is more than a test
/// may give.
const CONTAINERD: &str = r#"version = 3
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "SANDBOX"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
"#;
/// Read after the agent's: there is no systemd.
const WITHOUT_SYSTEMD: &str = r#"version = 3
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.nvidia.options]
SystemdCgroup = false
"#;
/// The kubelet calls a node ready that has a network for pods; ours has the host's.
const NETWORK: &str = r#"{"cniVersion": "1.0.0", "name": "none", "plugins": [{"type": "none"}]}"#;

/// Installs the node's programs and lets the agent boot the machine, as far as containers are concerned.
///
/// # Panics
/// When a file cannot be written, or the agent fails.
pub(super) fn prepare(node: &Node) {
    let root = node.machine.tree.path();
    let put = |path: &str, text: &str| put(root, path, text);
    for folder in [containerd_programs(), node_programs()] {
        let folder = folder.unwrap_or_else(|error| panic!("{error}"));
        for name in ["containerd", "containerd-shim-runc-v2", "ctr", "kubelet"] {
            install(root, &folder.join(name));
        }
    }
    install(root, &nvidia_container_runtime().unwrap_or_else(|error| panic!("{error}")));
    put("/etc/containerd/config.toml", &CONTAINERD.replace("SANDBOX", images::PAUSE));
    put("/etc/cni/net.d/10-none.conflist", NETWORK);
    // This machine's may be links to what is not seen inside; the kubelet and containerd want them.
    put("/etc/resolv.conf", "");
    put("/etc/hosts", "127.0.0.1 localhost\n");
    container::boot(node);
    // Once more: nothing is to do, and the real containerd, asked for its configuration, says what the agent wrote.
    let again = finish(&mut bootstrap(root, &node.metadata_endpoint(), &["--only", "container-runtime"]));
    let report = again.report();
    assert_eq!(report.outcome("container-runtime"), "unchanged", "{again:?}");
    let found: Vec<_> = report.findings().into_iter().filter(|it| it.step == "container-runtime").collect();
    assert!(found.is_empty(), "{found:?}");
    let drop_in = fs::read_to_string(root.join("etc/containerd/conf.d/90-gpunode.toml")).unwrap();
    assert!(
        drop_in.contains(r#"default_runtime_name = "nvidia""#) && drop_in.contains("enable_cdi = true"),
        "{drop_in}"
    );
    put("/etc/containerd/conf.d/95-no-systemd-gpunode.toml", WITHOUT_SYSTEMD);
}

/// Tells the kubelet of its cluster.
///
/// # Panics
/// When a file cannot be written.
pub(super) fn kubelet(cluster: &Cluster, node: &Node) {
    let root = node.machine.tree.path();
    let authority = fs::read_to_string(cluster.authority()).unwrap();
    put(root, AUTHORITY, &authority);
    let thresholds = [
        "memory.available",
        "nodefs.available",
        "nodefs.inodesFree",
        "imagefs.available",
        "imagefs.inodesFree",
    ];
    let off: serde_json::Map<_, _> = thresholds.map(|it| (it.to_owned(), json!("0%"))).into_iter().collect();
    let config = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "cgroupDriver": "cgroupfs", "failCgroupV1": false,
        "authentication": {"anonymous": {"enabled": false}, "x509": {"clientCAFile": AUTHORITY}},
        "providerID": format!("aws:///us-east-1a/{}", node.reporter.node),
        "registerWithTaints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
        // Of every state at once, though nothing has changed: what the kubelet writes is to be seen often.
        "nodeStatusUpdateFrequency": "1s", "nodeStatusReportFrequency": "1s",
        // This machine is somebody else's, too: how full it is, is no matter of the test's.
        "evictionHard": off, "failSwapOn": false, "oomScoreAdj": 0, "makeIPTablesUtilChains": false,
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
    });
    put(root, KUBELET_CONFIG, &format!("{config:#}\n"));
    put(root, KUBECONFIG, &kubeconfig());
}

/// How the kubelet reaches its cluster, with its own token.
fn kubeconfig() -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "node",
        "clusters": [{"name": "node", "cluster": {
            "server": format!("https://{SERVICE}:443"), "certificate-authority": AUTHORITY,
        }}],
        "users": [{"name": "node", "user": {"token": KUBELET}}],
        "contexts": [{"name": "node", "context": {"cluster": "node", "user": "node"}}],
    })
    .to_string()
}

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A program that one of the folders has.
fn install(root: &Path, program: &Path) {
    if !program.exists() {
        return;
    }
    let folder = root.join("usr/bin");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(program.file_name().unwrap());
    // Another file system has the cache.
    if fs::hard_link(program, &path).is_err() {
        fs::copy(program, &path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
