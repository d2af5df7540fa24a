//! What the container has and may, by the kernel's own word.

use gpunode_tests::container::{NAMED, UNNAMED, mask, status};
use gpunode_tests::kubelet::{Joined, Running};

/// The manifest's limit.
const LIMIT: u64 = 64 << 20;
/// What the manifest asks for; less than that is used.
const REQUEST: u64 = 32 << 20;

pub(crate) fn are_the_manifests(node: &Joined, running: &Running) {
    let granted = format!("{:016x}", mask(&["SYS_CHROOT", "SYSLOG"]));
    let processes = running.processes();
    assert!(processes.len() > 1, "the daemonset and its probe: {processes:?}");
    for &pid in &processes {
        let rights = ["CapBnd", "CapPrm", "CapEff", "NoNewPrivs", "Seccomp"].map(|field| status(pid, field));
        assert_eq!(rights, [&granted, &granted, &granted, "1", "2"].map(str::to_owned), "{pid}");
    }
    assert_eq!(node.pod(running, "/status/qosClass"), "Burstable");

    // The kernel log, as the container has it: major and minor number, in hexadecimal digits.
    let run = node.inside(running, "$B stat -c '%F %t:%T' /dev/kmsg && $B head -c 0 /dev/kmsg");
    println!("/dev/kmsg in the container: {}", run.stdout.trim());
    assert_eq!((run.code, run.stdout.trim()), (0, "character special file 1:b"), "{run:?}");
    let metrics = node.metrics();
    let answers = "gpunode_source_answers{source=\"the kernel log\"";
    let answers = metrics.lines().find(|line| line.starts_with(answers)).unwrap_or_default();
    assert!(answers.ends_with(" 1"), "{answers:?}");
    for path in [NAMED, &format!("/host{NAMED}"), "/host/dev/kmsg", "/dev/infiniband/uverbs31"] {
        let run = node.inside(running, &format!("$B head -c 0 {path}"));
        assert_eq!(run.code, 0, "{path}: {run:?}");
    }
    let run = node.inside(running, &format!("$B head -c 0 /host{UNNAMED}"));
    assert!(run.code != 0 && run.stderr.contains("Operation not permitted"), "{run:?}");
    write_nothing_but_the_state(node, running);
}

pub(crate) fn write_nothing_but_the_state(node: &Joined, running: &Running) {
    // Also what is mounted below the host's root: containerd knows by NVIDIA's runtime that runc can do that.
    for path in ["/x", "/etc/x", "/host/x", "/host/etc/x", "/host/run/x", "/host/mounted-below/x"] {
        let run = node.inside(running, &format!("$B touch {path}"));
        assert!(run.code != 0 && run.stderr.contains("Read-only file system"), "{path}: {run:?}");
    }
    let run = node.inside(running, "$B touch /host/run/gpunode/x");
    assert_eq!(run.code, 0, "{run:?}");
}

pub(crate) fn is_within_its_memory(node: &Joined, running: &Running) {
    let bytes = |one: &str, two: &str| running.memory(one, two).parse::<u64>().unwrap();
    assert_eq!(bytes("memory.limit_in_bytes", "memory.max"), LIMIT);
    let most = bytes("memory.max_usage_in_bytes", "memory.peak");
    let of = |pid: &u32| status(*pid, "RssAnon").trim_end_matches(" kB").parse::<u64>().unwrap() << 10;
    let own: u64 = running.processes().iter().map(of).sum();
    let limit = node.pod(running, "/spec/containers/0/resources/limits/memory");
    println!("memory: limit {limit}, at most {most} bytes with files, {own} bytes of its processes' own");
    assert!(own < REQUEST, "{own} bytes");
    assert!(most < LIMIT, "{most} bytes");
}
