//! A container's `config.json` (OCI runtime specification 1.0), as the kubelet and containerd make it of a pod.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use nix::sys::stat::{major, minor};
use serde_json::{Value, json};

use super::{Image, volumes};
use crate::kube::daemonset::Node;
use crate::kube::{Cluster, finish, program, seccomp_profile};

/// What containerd gives a container that asks for nothing (its `pkg/oci/spec.go`).
const USUAL: [&str; 14] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "MKNOD",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "KILL",
    "AUDIT_WRITE",
];
/// Hidden in a container that is not privileged (containerd's `pkg/oci/spec.go`).
const MASKED: [&str; 9] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/sys/firmware",
];
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// The container runtime that containerd calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// NVIDIA's, the default one of EKS's images with NVIDIA drivers.
    Nvidia,
    /// runc itself.
    Runc,
}

/// The pod's template, and who runs it.
pub(super) struct Asked<'a> {
    pub(super) template: &'a Value,
    pub(super) image: &'a Image,
    pub(super) cluster: &'a Cluster,
    pub(super) node: &'a Node,
    pub(super) id: &'a str,
}

/// What the runtime is given. What the test's own rights do not allow is left out: a lower OOM score.
pub(super) fn config(asked: &Asked<'_>) -> Value {
    let pod = &asked.template["spec"];
    let container = &pod["containers"][0];
    let security = &container["securityContext"];
    let privileged = security["privileged"] == true;
    let capabilities = capabilities(security);
    let root = asked.node.machine.tree.path();
    let mut mounts = volumes::usual(privileged);
    mounts.extend(volumes::of_kubelet(asked.cluster, &asked.node.reporter, asked.image.folder()));
    mounts.extend(volumes::of_pod(pod, root));
    // The host's: network and, with it, the name.
    assert_eq!(pod["hostNetwork"], true, "the kubelet's part for a network of its own is not played");
    assert!(pod["hostPID"].is_null() && pod["hostIPC"].is_null(), "{pod}");
    let mut config = json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": security["runAsUser"], "gid": security["runAsGroup"]},
            "args": arguments(asked.image, container),
            "env": environment(asked, container),
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
            },
            "noNewPrivileges": security["allowPrivilegeEscalation"] == false,
        },
        "root": {"path": "rootfs", "readonly": security["readOnlyRootFilesystem"] == true},
        "mounts": mounts,
        "linux": {
            "cgroupsPath": format!("/{}", asked.id),
            "namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "ipc"}],
            "resources": {
                "memory": {"limit": bytes(&container["resources"]["limits"]["memory"])},
                "devices": [{"allow": privileged, "access": "rwm"}],
            },
        },
    });
    if privileged {
        config["linux"]["devices"] = Value::Array(devices(&root.join("dev"), "/dev"));
    } else {
        config["linux"]["maskedPaths"] = json!(MASKED);
        config["linux"]["readonlyPaths"] = json!(READ_ONLY);
        assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault", "{security}");
        config["linux"]["seccomp"] = profile(&capabilities);
    }
    config
}

fn arguments(image: &Image, container: &Value) -> Vec<String> {
    assert!(container["command"].is_null(), "{container}");
    let own = container["args"].as_array().into_iter().flatten();
    image.entrypoint.iter().cloned().chain(own.map(|it| it.as_str().unwrap().to_owned())).collect()
}

fn environment(asked: &Asked<'_>, container: &Value) -> Vec<String> {
    let (host, port) = asked.cluster.url().trim_start_matches("https://").rsplit_once(':').unwrap();
    let own = container["env"].as_array().into_iter().flatten().map(|it| {
        let value = match (it["value"].as_str(), it["valueFrom"]["fieldRef"]["fieldPath"].as_str()) {
            (Some(value), None) => value,
            // The API server leaves out what is empty.
            (None, None) if it["valueFrom"].is_null() => "",
            (None, Some("spec.nodeName")) => asked.node.reporter.node.as_str(),
            (None, Some("metadata.name")) => asked.node.reporter.pod.as_str(),
            _ => panic!("the kubelet's part for {it} is not played"),
        };
        format!("{}={value}", it["name"].as_str().unwrap())
    });
    let told = [
        format!("HOSTNAME={}", asked.node.reporter.node),
        format!("KUBERNETES_SERVICE_HOST={host}"),
        format!("KUBERNETES_SERVICE_PORT={port}"),
    ];
    asked.image.environment.iter().cloned().chain(told).chain(own).collect()
}

/// With the prefix that runtimes want.
fn capabilities(security: &Value) -> Vec<String> {
    if security["privileged"] == true {
        return super::capabilities::of_self();
    }
    let words = |name: &str| -> Vec<&str> {
        let all = security["capabilities"][name].as_array().into_iter().flatten();
        all.map(|it| it.as_str().unwrap()).collect()
    };
    let (add, drop) = (words("add"), words("drop"));
    let left = USUAL.into_iter().filter(|it| !drop.contains(&"ALL") && !drop.contains(it));
    let mut names: Vec<_> = left.chain(add).map(|it| format!("CAP_{it}")).collect();
    names.sort();
    names.dedup();
    names
}

/// `64Mi` and the like.
fn bytes(quantity: &Value) -> u64 {
    let text = quantity.as_str().unwrap();
    let (number, unit) = text.split_at(text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len()));
    let shift = match unit {
        "" => 0,
        "Ki" => 10,
        "Mi" => 20,
        "Gi" => 30,
        _ => panic!("{text} is not in a unit that is read here"),
    };
    number.parse::<u64>().unwrap() << shift
}

/// All of a folder's devices, which a privileged container gets.
fn devices(folder: &Path, path: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (name, about) = (entry.file_name(), entry.metadata().unwrap());
        let path = format!("{path}/{}", name.to_str().unwrap());
        if about.is_dir() {
            found.extend(devices(&entry.path(), &path));
        } else if about.file_type().is_char_device() {
            let (major, minor) = (major(about.rdev()), minor(about.rdev()));
            found.push(json!({"path": path, "type": "c", "major": major, "minor": minor}));
        }
    }
    found
}

fn profile(capabilities: &[String]) -> Value {
    let mut command = program(seccomp_profile().unwrap_or_else(|error| panic!("{error}")));
    command.args(capabilities);
    serde_json::from_str(&finish(command).unwrap_or_else(|error| panic!("{error}"))).unwrap()
}
