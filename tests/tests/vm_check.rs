//! `gpunode-agent check`, `watch` and `inventory` beside a real RDMA device that is not EFA, and with a real kernel log.
//!
//! The machine is of a type without GPUs and EFA: nothing is missing on it, so whatever is found here is a mistake or
//! was really said by this kernel. What the NVIDIA and EFA drivers say is played elsewhere: neither is in this guest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what helps a test is a test")]

#[path = "vm_check/journal.rs"]
mod journal;

use std::path::Path;

use gpunode_host::{Root, efa};
use gpunode_tests::binary;
use gpunode_tests::looked::codes;
use gpunode_tests::node::{AGENT, LONG, done, ok, up};
use gpunode_tests::vm::{Builder, Vm};
use serde_json::Value;

/// A program's line has the kernel's words, and another facility.
const FORGED: [&str; 4] = [
    "NVRM: Xid (PCI:0000:53:00): 79, pid=4711, name=train, GPU has fallen off the bus.",
    "Memory cgroup out of memory: Killed process 4711 (innocent) total-vm:1kB, anon-rss:1kB",
    "I/O error, dev nvme0n1, sector 8 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2",
    "efa 0000:4f:00.0 rxe0: Admin queue is closed",
];
/// Where a plain user finds the agent.
const INSTALLED: &str = "/usr/local/bin/gpunode-agent";

/// No watchdogs: an emulated processor that stands still while others work on this machine is not a sick one.
fn machine() -> Builder {
    Vm::builder()
        .file("gpunode-agent", binary::agent())
        .instance_type("m7i.4xlarge")
        .without_imds()
        .kernel_argument("nowatchdog")
        .kernel_argument("rcupdate.rcu_cpu_stall_suppress=1")
        .kernel_argument("sysctl.kernel.hung_task_timeout_secs=0")
}

#[test]
fn vm_tells_a_real_rdma_device_from_efa_and_the_kernel_from_programs() {
    let vm = up(machine());
    ok(&vm, &format!("install -m 755 {AGENT} {INSTALLED}"));
    ok(
        &vm,
        "modprobe rdma_rxe && ip link add dummy0 type dummy && ip link set dummy0 up && \
         rdma link add rxe0 type rxe netdev dummy0",
    );
    assert_eq!(ok(&vm, "ls /sys/class/infiniband"), "rxe0");
    another_rdma_device_is_not_efa(&vm);

    for line in FORGED {
        ok(&vm, &format!("echo '<3>{line}' > /dev/kmsg"));
    }
    let log = kernel_log(&vm);
    for line in FORGED {
        let record = log.lines().find(|record| record.ends_with(&format!(";{line}")));
        // Facility 1 (a program), priority 3.
        assert!(record.is_some_and(|record| record.starts_with("11,")), "{line}: {record:?} in\n{log}");
    }
    let (report, exit) = check(&vm, "");
    assert_eq!((exit, codes(&report)), (0, vec![]), "{report:#}");

    a_real_kernel_line_is_told_while_it_happens(&vm);

    let (report, exit) = check(&vm, "");
    // Somebody's program was at its limit: worth knowing, and no reason to call the node sick.
    assert_eq!((exit, report["verdict"].as_str()), (0, Some("healthy")), "{report:#}");
    is_the_kill(&report["findings"]);
    a_plain_user_is_told_what_it_cannot_see(&vm);
    journal::is_read_where_the_device_is_withheld(&vm);
}

/// The records as they are; `dmesg` leaves the facility out.
fn kernel_log(vm: &Vm) -> String {
    ok(vm, "dd if=/dev/kmsg iflag=nonblock bs=8192 2>/dev/null || true")
}

/// The kernel's own files of soft RoCE, as the library and the agent see them.
fn another_rdma_device_is_not_efa(vm: &Vm) {
    let (report, exit) = check(vm, "");
    assert_eq!((exit, report["verdict"].as_str()), (0, Some("healthy")), "{report:#}");
    assert_eq!((codes(&report), report["unknown"].as_array().unwrap().len()), (vec![], 0), "{report:#}");
    assert_eq!(report["instance"]["type"], "m7i.4xlarge");
    for devices in ["gpus", "efa", "nvSwitches"] {
        assert_eq!(report[devices], Value::Array(Vec::new()), "{report:#}");
    }
    for name in ["efa-devices", "gpu-bus", "kernel-log"] {
        assert_eq!(source(&report, name)["state"], "answered", "{report:#}");
    }
    let rows = ok(vm, &format!("{AGENT} inventory --output csv"));
    let kinds: Vec<_> = rows.lines().filter_map(|row| row.split(',').next()).collect();
    assert!(kinds.contains(&"disk"), "{rows}");
    assert!(kinds.iter().all(|kind| ["type", "disk"].contains(kind)), "{rows}");

    let copy = tempfile::tempdir().unwrap();
    copy_rdma(vm, copy.path());
    // Of the bus nothing is copied.
    std::fs::create_dir_all(copy.path().join("sys/bus/pci/devices")).unwrap();
    let root = Root::new(copy.path());
    let seen = efa::observe(&root).unwrap();
    let [rxe] = &seen.others[..] else { panic!("{seen:?}") };
    assert_eq!((rxe.name.as_str(), rxe.is_software()), ("rxe0", true), "{rxe:?}");
    assert_eq!(rxe.node_type.as_deref(), Some("1: CA"), "{rxe:?}");
    assert_eq!(rxe.uverbs.as_deref(), Some("uverbs0"), "{rxe:?}");
    assert_eq!((seen.devices.len(), seen.functions.len()), (0, 0));
}

/// Copies what tells RDMA devices apart. Soft RoCE has no `device`: it hangs on no bus.
fn copy_rdma(vm: &Vm, to: &Path) {
    ok(vm, "! test -e /sys/class/infiniband/rxe0/device");
    let list = "cd /sys/class; for file in infiniband/*/node_type infiniband_verbs/*/ibdev; do \
        echo \"$file $(cat $file)\"; done";
    for line in ok(vm, list).lines() {
        let (name, value) = line.split_once(' ').unwrap();
        let path = to.join("sys/class").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("{value}\n")).unwrap();
    }
}

/// A process that needs more memory than its cgroup may have is killed by the kernel, which says so.
fn a_real_kernel_line_is_told_while_it_happens(vm: &Vm) {
    let watch =
        done("watch", vm.start(&format!("echo $$ > /run/watch.pid; exec {AGENT} watch --json > /run/watch")));
    ok(vm, r#"until grep -q '"event":"report"' /run/watch; do sleep 0.1; done"#);
    assert!(!ok(vm, "cat /run/watch").contains("appeared"), "{}", ok(vm, "cat /run/watch"));
    ok(
        vm,
        "install -m 755 /usr/bin/tail /usr/local/bin/glutton; \
         ! systemd-run --quiet --wait -p MemoryMax=32M -p MemorySwapMax=0 /usr/local/bin/glutton /dev/zero",
    );
    assert!(kernel_log(vm).contains("(glutton) total-vm:"), "the kernel killed nobody");
    ok(vm, r#"until grep -q '"event":"appeared"' /run/watch; do sleep 0.1; done"#);
    ok(vm, "kill -INT $(cat /run/watch.pid)");
    assert_eq!(done("watch", vm.wait(watch, LONG)).exit, 0);
    let lines = ok(vm, "cat /run/watch");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let appeared: Vec<_> = lines.iter().filter(|line| line["event"] == "appeared").collect();
    is_the_kill(&appeared.iter().map(|line| line["finding"].clone()).collect());
    assert!(appeared.iter().all(|line| line["schema"] == "gpunode.io/watch/v1"), "{appeared:?}");
}

fn is_the_kill(findings: &Value) {
    let [found] = &findings.as_array().unwrap()[..] else { panic!("{findings:#}") };
    assert_eq!((found["code"].as_str(), found["severity"].as_str()), (Some("OutOfMemory"), Some("info")));
    assert_eq!(found["message"], "killed glutton at its limit");
}

/// Where the kernel keeps its log from plain users, they are told that it could not be read; on this machine, without
/// GPUs and EFA, nothing in it decides the verdict.
fn a_plain_user_is_told_what_it_cannot_see(vm: &Vm) {
    ok(vm, "sysctl -qw kernel.dmesg_restrict=1");
    let (report, exit) = check(vm, "nobody");
    assert_eq!((exit, report["verdict"].as_str()), (0, Some("healthy")), "{report:#}");
    assert_eq!(codes(&report), [""; 0], "it cannot know: {report:#}");
    let log = source(&report, "kernel-log");
    assert_eq!((log["state"].as_str(), log["needed"].as_bool()), (Some("not-available"), Some(false)));
    let why = log["why"].as_str().unwrap();
    assert!(why.contains("/dev/kmsg") && why.contains("Operation not permitted"), "{why}");
    let table = ok(vm, &format!("{} check", as_user("nobody")));
    assert!(table.contains("the kernel log: ") && table.contains("/dev/kmsg"), "{table}");

    ok(vm, "sysctl -qw kernel.dmesg_restrict=0");
    let (report, exit) = check(vm, "nobody");
    assert_eq!((exit, source(&report, "kernel-log")["state"].as_str()), (0, Some("answered")), "{report:#}");
    is_the_kill(&report["findings"]);
}

fn as_user(user: &str) -> String {
    if user.is_empty() {
        return INSTALLED.to_owned();
    }
    format!("cd / && setpriv --reuid={user} --regid=nogroup --clear-groups {INSTALLED}")
}

/// `check --json` as a user, or as root: the report and the exit code.
fn check(vm: &Vm, user: &str) -> (Value, i32) {
    // Emulated and beside other work, a look takes longer than its usual deadline.
    let command = format!("{} check --json --deadline 120", as_user(user));
    let output = done("check", vm.run(&command, LONG));
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|error| panic!("{error}: {}{}", output.text(), output.complaint()));
    (report, output.exit)
}

fn source<'a>(report: &'a Value, name: &str) -> &'a Value {
    let sources = report["sources"].as_array().into_iter().flatten();
    sources.clone().find(|source| source["name"] == name).unwrap_or_else(|| panic!("no {name}: {report:#}"))
}
