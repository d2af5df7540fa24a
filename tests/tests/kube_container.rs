//! The DaemonSet's pod in a real container, as its manifest asks for it, beside a real API server: what it tells of the
//! node, and what it may not do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

mod pod;

use gpunode_tests::container::{Container, NAMED, Runtime, UNNAMED, boot, mask, status};
use gpunode_tests::journal::{self, Entry, Writer};
use pod::Pod;

/// What a write to a read-only mount says.
const READ_ONLY: &str = "Read-only file system";
const DENIED: &str = "Operation not permitted";

#[test]
fn the_default_manifest_in_a_container_tells_the_truth_and_may_do_little_else() {
    let pod = Pod::of("base", "devices=cdi");
    let named = boot(&pod.node);
    for path in [NAMED, "/dev/kmsg", "/dev/infiniband/uverbs31", "/dev/nvidiactl"] {
        assert!(named.iter().any(|it| it == path), "{path}: {named:?}");
    }
    assert!(!named.iter().any(|it| it == UNNAMED), "{named:?}");
    let container = pod.start(Runtime::Nvidia);
    pod.until_ready();
    pod.is_well();
    pod.answers("the kernel log", true);
    has_the_manifests_rights(&container);
    may_write_nothing_but_its_state(&container);
    opens_the_agents_devices_and_no_others(&container);

    pod.node.machine.play("gpu-unreachable");
    pod.node.until("GPUHealthy", "False", "GpuUnreachable");
    pod.node.machine.tree.efa(20).set_counter("no_completion_cmds", 1).unwrap();
    pod.node.until("EFAHealthy", "False", "EfaAdminTimeout");
    assert_eq!(container.end(), 0, "it ends well when it is asked to");
    assert_eq!(pod.node.condition("GPUHealthy").0, "False", "the truth stays when the pod ends");

    // What was seen is kept on the node, so another container of the pod does not begin at Unknown.
    let before = pod.node.field("GPUHealthy", "lastTransitionTime");
    let container = pod.start(Runtime::Nvidia);
    pod.until_ready();
    assert_eq!(pod.node.condition("GPUHealthy"), ("False".to_owned(), "GpuUnreachable".to_owned()));
    assert_eq!(pod.node.field("GPUHealthy", "lastTransitionTime"), before);
    pod.node.machine.play("healthy-p5");
    pod.node.until("GPUHealthy", "True", "");
    assert_eq!(container.end(), 0);
}

/// The kernel's own word for every process: the daemonset's and its probe's, which entered the host's root.
fn has_the_manifests_rights(container: &Container) {
    let granted = format!("{:016x}", mask(&["SYS_CHROOT", "SYSLOG"]));
    let processes = container.processes();
    assert!(processes.len() > 1, "the daemonset and its probe: {processes:?}");
    for pid in processes {
        for (field, value) in [
            ("CapBnd", granted.as_str()),
            ("CapPrm", &granted),
            ("CapEff", &granted),
            ("CapInh", "0000000000000000"),
            ("CapAmb", "0000000000000000"),
            ("NoNewPrivs", "1"),
            // A filter is in force (`proc(5)`).
            ("Seccomp", "2"),
        ] {
            assert_eq!(status(pid, field), value, "{field} of {pid}");
        }
    }
    // Calls that containerd's profile has not, and those for which a capability is missing.
    for (what, script) in [
        ("a namespace", "$B unshare --user $B true"),
        ("a mount", "$B mount -t tmpfs none /host/run/gpunode"),
        ("an owner", "$B touch /host/run/gpunode/x && $B chown 1 /host/run/gpunode/x"),
        ("the clock", "$B date -s 2020-01-01"),
        ("the name", "$B hostname x"),
        ("a device", "$B mknod /host/run/gpunode/d c 1 1"),
        ("a setting of the kernel", "echo 1 >/proc/sys/kernel/panic"),
    ] {
        let run = container.inside(script);
        let refused = ["not permitted", "denied", READ_ONLY].iter().any(|word| run.stderr.contains(word));
        assert!(refused, "{what}: {run:?}");
    }
    let run = container.inside("$B chroot /host /bin/busybox true");
    assert_eq!(run.code, 0, "the probe's way: {run:?}");
}

fn may_write_nothing_but_its_state(container: &Container) {
    for path in ["/x", "/etc/x", "/host/x", "/host/etc/x", "/host/run/x", "/host/mounted-below/x"] {
        let run = container.inside(&format!("$B touch {path}"));
        assert!(run.code != 0 && run.stderr.contains(READ_ONLY), "{path}: {run:?}");
    }
    let run = container.inside("$B touch /host/run/gpunode/x");
    assert_eq!(run.code, 0, "{run:?}");
}

fn opens_the_agents_devices_and_no_others(container: &Container) {
    let open = |path: &str| container.inside(&format!("$B head -c 0 {path}"));
    // The host's, by which libraries open them after chroot.
    for path in [&format!("/host{NAMED}"), "/host/dev/kmsg", "/host/dev/infiniband/uverbs31", NAMED] {
        let run = open(path);
        assert_eq!(run.code, 0, "{path}: {run:?}");
    }
    let run = open(&format!("/host{UNNAMED}"));
    assert!(run.code != 0 && run.stderr.contains(DENIED), "{run:?}");
    let run = container.inside("echo >/host/dev/kmsg");
    assert!(run.code != 0, "the kernel log is there to be read: {run:?}");
}

#[test]
fn without_nvidias_runtime_the_devices_are_missing_and_nothing_good_is_claimed() {
    let pod = Pod::of("base", "devices=cdi");
    boot(&pod.node);
    let container = pod.start(Runtime::Runc);
    pod.until_ready();
    pod.answers("the kernel log", false);
    let run = container.inside("$B head -c 0 /host/dev/kmsg");
    assert!(run.code != 0 && run.stderr.contains(DENIED), "{run:?}");
    for condition in ["GPUHealthy", "EFAHealthy", "NodeStorageHealthy"] {
        pod.node.until(condition, "Unknown", "SourceSilent");
        let message = pod.node.field(condition, "message");
        assert!(message.as_str().unwrap().contains("/dev/kmsg"), "{condition}: {message}");
    }
    assert_eq!(container.end(), 0);
}

/// Without NVIDIA's runtime the pod has no kernel log, but its host has a journal.
#[test]
fn where_the_kernel_log_is_withheld_the_hosts_journal_tells() {
    let pod = Pod::of("base", "devices=cdi");
    boot(&pod.node);
    let root = pod.node.machine.tree.path();
    journal::name(root);
    let mut writer = Writer::start(&journal::path(root, false, "system.journal"), &[]);
    writer.add(&[Entry::kernel(1000, 0, "Linux version 6.12")]);
    let container = pod.start(Runtime::Runc);
    pod.until_ready();
    pod.answers("the kernel log", true);
    let run = container.inside("$B head -c 0 /host/dev/kmsg");
    assert!(run.code != 0 && run.stderr.contains(DENIED), "{run:?}");
    pod.is_well();
    let gpu = pod.node.machine.tree.gpu(3).address().trim_end_matches(".0").to_owned();
    let line = format!("NVRM: Xid (PCI:{gpu}): 79, pid=7, name=python, GPU has fallen off the bus.");
    writer.add(&[Entry::now(&line)]);
    pod.node.until("GPUHealthy", "False", "Xid79");
    pod.node.until_told("Xid79");
    assert_eq!(container.end(), 0);

    // Another container reads it from the beginning, and tells nothing twice.
    let before = pod.node.field("GPUHealthy", "lastTransitionTime");
    let container = pod.start(Runtime::Runc);
    pod.until_ready();
    pod.answers("the kernel log", true);
    assert_eq!(pod.node.field("GPUHealthy", "lastTransitionTime"), before);
    let told: Vec<_> = pod.node.events().into_iter().filter(|(reason, _)| reason == "Xid79").collect();
    assert_eq!(told, [("Xid79".to_owned(), 1)]);
    assert_eq!(container.end(), 0);
}

#[test]
fn the_privileged_manifest_needs_neither_the_agent_nor_nvidias_runtime() {
    let pod = Pod::of("overlays/privileged", "devices=privileged");
    boot(&pod.node);
    let container = pod.start(Runtime::Runc);
    pod.until_ready();
    pod.is_well();
    pod.answers("the kernel log", true);
    let all = status(std::process::id(), "CapBnd");
    assert_eq!(
        (status(container.pid(), "CapEff"), status(container.pid(), "Seccomp")),
        (all, "0".to_owned())
    );
    may_write_nothing_but_its_state(&container);
    let run = container.inside(&format!("$B head -c 0 /host{UNNAMED}"));
    assert_eq!(run.code, 0, "{run:?}");
    pod.node.machine.play("gpu-unreachable");
    pod.node.until("GPUHealthy", "False", "GpuUnreachable");
    assert_eq!(container.end(), 0);
}

/// Played: what NVIDIA's runtime adds of NVML, since it needs GPUs for that, and the image with a C library.
#[test]
fn where_the_runtime_brings_nvml_the_machines_root_is_not_entered() {
    let pod = Pod::of("overlays/bottlerocket", "devices=runtimeClass");
    boot(&pod.node);
    pod.node.machine.without_nvml();
    pod.play_in_the_image("healthy-p5");
    let container = pod.start(Runtime::Runc);
    pod.until_ready();
    pod.is_well();
    may_write_nothing_but_its_state(&container);
    pod.play_in_the_image("gpu-unreachable");
    pod.node.until("GPUHealthy", "False", "GpuUnreachable");
    assert_eq!(container.end(), 0);
}
