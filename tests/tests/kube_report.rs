//! The release daemonset with the manifests' own account: what is wrong with a machine is on its node, and goes with it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

use gpunode_tests::kube::Cluster;
use gpunode_tests::kube::daemonset::{Node, end};
use serde_json::Value;

fn cluster(overlay: &str) -> Cluster {
    let cluster = Cluster::start().unwrap();
    if overlay.ends_with("all") {
        cluster.extend_api().unwrap();
    }
    cluster.deploy(overlay).unwrap();
    cluster
}

/// What others have written on the node.
fn of_others(node: &Value) -> Value {
    let mut node = node.clone();
    let conditions = node["status"]["conditions"].as_array().unwrap().clone();
    let theirs = ["Ready", "KernelDeadlock"];
    let kept: Vec<_> =
        conditions.into_iter().filter(|it| theirs.iter().any(|kind| it["type"] == *kind)).collect();
    node["status"]["conditions"] = kept.into();
    node["metadata"]["labels"].as_object_mut().unwrap().retain(|key, _| !key.starts_with("gpunode.io/"));
    for moved in ["managedFields", "resourceVersion", "generation"] {
        node["metadata"].as_object_mut().unwrap().remove(moved);
    }
    node
}

#[test]
fn faults_come_and_go_and_what_is_others_stays() {
    let cluster = cluster("base");
    let node = Node::new(&cluster, "node-a");
    let before = of_others(&node.object());
    let program = node.start(&[]);
    node.until("GPUHealthy", "True", "");
    node.until("EFAHealthy", "True", "");
    node.until("NodeBootstrapped", "Unknown", "");
    node.wait("labels", |node| node.label("gpu.count").as_deref() == Some("8"));
    assert_eq!(node.label("efa.healthy").as_deref(), Some("32"));
    assert_eq!(node.label("instance-family").as_deref(), Some("p5"));

    node.machine.play("gpu-unreachable");
    node.until("GPUHealthy", "False", "GpuUnreachable");
    node.wait("the GPU's label", |node| node.label("gpu-3").as_deref() == Some("unreachable"));
    assert_eq!(node.condition("EFAHealthy").0, "True");
    node.until_told("GpuUnreachable");

    let efa = node.machine.tree.efa(20);
    efa.set_counter("no_completion_cmds", 1).unwrap();
    node.until("EFAHealthy", "False", "EfaAdminTimeout");
    node.until_told("EfaAdminTimeout");

    node.machine.play("healthy-p5");
    node.until("GPUHealthy", "True", "");
    node.wait("no label any more", |node| node.label("gpu-3").is_none());
    node.until_told("GpuUnreachableCleared");
    assert_eq!(node.condition("EFAHealthy").0, "False", "one fault's end is not another's");

    assert_eq!(of_others(&node.object()), before);
    end(program);
    assert_eq!(node.condition("EFAHealthy").0, "False", "the truth stays when the program ends");
    let reads = cluster.audit().unwrap();
    let reads: Vec<_> =
        reads.of_node("node-a").filter(|it| !["patch", "create"].contains(&it.verb.as_str())).collect();
    assert!(reads.is_empty(), "{reads:?}");
}

#[test]
fn a_bus_that_cannot_be_seen_is_unknown_and_nothing_on_it_missing() {
    let cluster = cluster("base");
    let node = Node::new(&cluster, "node-a");
    let program = node.start(&[]);
    node.until("GPUHealthy", "True", "");
    node.until("EFAHealthy", "True", "");
    let bus = node.machine.tree.path().join("sys/bus/pci/devices");
    let aside = bus.with_extension("aside");
    std::fs::rename(&bus, &aside).unwrap();
    std::os::unix::fs::symlink(bus.file_name().unwrap(), &bus).unwrap();
    node.until("GPUHealthy", "Unknown", "");
    node.until("EFAHealthy", "Unknown", "");
    std::fs::remove_file(&bus).unwrap();
    std::fs::rename(&aside, &bus).unwrap();
    node.until("GPUHealthy", "True", "");
    node.until("EFAHealthy", "True", "");
    let wrong = |(reason, _): &(String, u64)| ["GpuMissing", "EfaMissing"].contains(&&**reason);
    assert!(!node.events().iter().any(wrong), "{:?}", node.events());
    end(program);
}

#[test]
fn taint_and_repair_conditions_come_and_go() {
    let cluster = cluster("overlays/all");
    let node = Node::new(&cluster, "node-a");
    let program = node.start(&["--taint", "--eks-repair"]);
    let taints = |node: &Node| node.object()["spec"]["taints"].as_array().cloned().unwrap_or_default();
    let tainted = |node: &Node| taints(node).iter().any(|taint| taint["key"] == "gpunode.io/unhealthy");
    node.until("AcceleratedHardwareReady", "True", "");
    let before = taints(&node);
    node.machine.play("gpu-unreachable");
    node.until("AcceleratedHardwareReady", "False", "");
    node.wait("the taint", tainted);
    node.machine.play("healthy-p5");
    node.until("AcceleratedHardwareReady", "True", "");
    node.wait("no taint", |node| !tainted(node));
    assert_eq!(taints(&node), before);
    end(program);
}

#[test]
fn a_data_volume_that_is_gone_is_told_until_it_is_back() {
    const VOLUME: &str = "36 35 259:3 / /mnt/data rw,noatime shared:7 - xfs /dev/nvme1n1 rw\n";
    let cluster = cluster("base");
    let node = Node::new(&cluster, "node-a");
    let put = |path: &str, text: &str| {
        let path = node.machine.tree.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put(
        "etc/systemd/system/mnt-data.mount",
        "# Written by gpunode-agent.\n[Mount]\nWhat=x\nWhere=/mnt/data\n",
    );
    put("proc/1/mountinfo", VOLUME);
    put("run/gpunode/report.json", r#"{"schema":"gpunode.io/boot-report/v1","verdict":"ok","steps":[]}"#);
    let program = node.start(&[]);
    node.until("NodeStorageHealthy", "True", "StorageIsHealthy");
    put("proc/1/mountinfo", "");
    node.until("NodeStorageHealthy", "False", "DataVolumeNotMounted");
    node.until_told("DataVolumeNotMounted");
    assert!(node.metrics().contains("gpunode_finding{code=\"DataVolumeNotMounted\""), "{}", node.metrics());
    put("proc/1/mountinfo", &VOLUME.replace("noatime", "noatime,ro").replace("rw,", "ro,"));
    node.until("NodeStorageHealthy", "False", "DataVolumeReadOnly");
    node.until_told("DataVolumeNotMountedCleared");
    put("proc/1/mountinfo", VOLUME);
    node.until("NodeStorageHealthy", "True", "StorageIsHealthy");
    node.until_told("DataVolumeReadOnlyCleared");
    assert_eq!(node.condition("GPUHealthy").0, "True");
    end(program);
}
