//! Volumes and what else the kubelet and containerd mount into a container.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::agent::text;
use crate::kube::{Cluster, Reporter};

/// Where a pod finds its token (Kubernetes, "Accessing the Kubernetes API from a Pod").
const SECRETS: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What containerd mounts into every container (its `pkg/oci/mounts.go` and `internal/cri/opts`).
pub(super) fn usual(privileged: bool) -> Vec<Value> {
    let sys = if privileged { "rw" } else { "ro" };
    let tmpfs = json!(["nosuid", "strictatime", "mode=755", "size=65536k"]);
    let pts = json!(["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]);
    let kernel = ["nosuid", "noexec", "nodev"];
    vec![
        mount("/proc", "proc", "proc", &json!(kernel)),
        mount("/dev", "tmpfs", "tmpfs", &tmpfs),
        mount("/dev/pts", "devpts", "devpts", &pts),
        mount("/dev/mqueue", "mqueue", "mqueue", &json!(kernel)),
        mount("/sys", "sysfs", "sysfs", &json!([kernel[0], kernel[1], kernel[2], sys])),
        mount(
            "/sys/fs/cgroup",
            "cgroup",
            "cgroup",
            &json!([kernel[0], kernel[1], kernel[2], "relatime", sys]),
        ),
        mount("/dev/shm", "tmpfs", "shm", &json!(["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"])),
    ]
}

/// The volumes of the pod, in the order in which containerd mounts them: the outer ones first.
pub(super) fn of_pod(pod: &Value, root: &Path) -> Vec<Value> {
    let volumes = pod["volumes"].as_array().unwrap();
    let mut asked = pod["containers"][0]["volumeMounts"].as_array().unwrap().clone();
    asked.sort_by_key(|it| it["mountPath"].as_str().unwrap().matches('/').count());
    let one = |it: &Value| {
        let volume = volumes.iter().find(|volume| volume["name"] == it["name"]).unwrap();
        let host = &volume["hostPath"];
        let source = root.join(host["path"].as_str().unwrap().trim_start_matches('/'));
        match host["type"].as_str() {
            Some("Directory") => assert!(source.is_dir(), "{volume}"),
            Some("DirectoryOrCreate") => fs::create_dir_all(&source).unwrap(),
            other => panic!("the kubelet's part for a volume of type {other:?} is not played"),
        }
        assert!(it["mountPropagation"].is_null() && it["subPath"].is_null(), "{it}");
        let how = match (it["readOnly"] == true, it["recursiveReadOnly"].as_str()) {
            (false, _) => "rw",
            (true, None | Some("Disabled")) => "ro",
            (true, Some(_)) => "rro",
        };
        mount(it["mountPath"].as_str().unwrap(), "bind", text(&source), &json!(["rbind", "rprivate", how]))
    };
    asked.iter().map(one).collect()
}

/// The service account's token with its authority, the files of names, and the one for a last word.
pub(super) fn of_kubelet(cluster: &Cluster, reporter: &Reporter, folder: &Path) -> Vec<Value> {
    let secrets = folder.join("secrets");
    fs::create_dir_all(&secrets).unwrap();
    fs::copy(&reporter.token, secrets.join("token")).unwrap();
    fs::copy(cluster.authority(), secrets.join("ca.crt")).unwrap();
    fs::write(secrets.join("namespace"), "gpunode-system").unwrap();
    let bind =
        |to: &str, from: &Path, how: &str| mount(to, "bind", text(from), &json!(["rbind", "rprivate", how]));
    let mut mounts = vec![bind(SECRETS, &secrets, "ro")];
    for (to, how) in [
        ("/etc/hosts", "rw"),
        ("/etc/hostname", "rw"),
        ("/etc/resolv.conf", "rw"),
        ("/dev/termination-log", "rw"),
    ] {
        let file = folder.join(to.rsplit('/').next().unwrap());
        fs::write(&file, "").unwrap();
        mounts.push(bind(to, &file, how));
    }
    mounts
}

fn mount(to: &str, kind: &str, source: &str, options: &Value) -> Value {
    json!({"destination": to, "type": kind, "source": source, "options": options})
}
