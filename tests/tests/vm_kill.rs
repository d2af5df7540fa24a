//! Killed anywhere, the agent converges when it is run again: at every command that changes a disk, in the middle of
//! that command, and by a power cut.

use gpunode_tests::node::{self, AGENT, bootstrap, done, ok, up};
use gpunode_tests::vm::{Builder, Disk, Vm};

const DISKS: [&str; 2] = ["AWSKILL0000000000001", "AWSKILL0000000000002"];

/// Together 340 MiB: a little more than mkfs.xfs wants.
fn machine() -> Builder {
    DISKS
        .iter()
        .fold(node::machine(&[]), |builder, serial| builder.disk(Disk::instance_store(serial, 1).mib(170)))
}

/// A program that stands in front of the real one (`/usr/local/sbin` is searched first) and, once, lets it do as much
/// as `$how` says before the agent is killed.
fn booby_trap(vm: &Vm, program: &str, how: &str) {
    let real = ok(vm, &format!("command -v {program}"));
    let script = format!(
        "#!/bin/bash\nreal={real}\nif mv /run/trap /run/sprung 2>/dev/null; then\n{how}\nkill -9 $PPID\nsleep 600\nfi\nexec $real \"$@\"\n"
    );
    node::done("trap", vm.put(&format!("/usr/local/sbin/{program}"), script.as_bytes(), "755"));
    ok(vm, "touch /run/trap");
}

fn disarm(vm: &Vm) {
    ok(vm, "rm -f /usr/local/sbin/* /run/trap /run/sprung");
}

/// Something is in a folder that moves: it must be there afterwards. It is on the disk before a power cut can come.
fn furnish(vm: &Vm) {
    ok(vm, "mkdir -p /var/lib/containerd/a && echo kept >/var/lib/containerd/a/file && sync");
}

/// Back to a machine that was never touched: no mounts, no array, blank disks, no record.
fn start_over(vm: &Vm) {
    ok(
        vm,
        "for m in /var/log/pods /var/lib/kubelet /var/lib/containerd /mnt/k8s-disks/0; do umount -q $m; done; \
         mdadm -q --stop --scan; udevadm settle; \
         for d in /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWSKILL*[0-9]; do blkdiscard -f $d; done; \
         rm -rf /var/lib/gpunode /etc/systemd/system/*.mount /etc/systemd/system/local-fs.target.wants/*.mount; \
         systemctl daemon-reload; udevadm settle",
    );
}

/// Runs the agent until the trap kills it, then again, then once more.
fn killed_then_converges(vm: &Vm, what: &str) {
    let first = done("killed run", vm.run(&format!("{AGENT} bootstrap --json >/dev/null 2>&1"), node::LONG));
    assert_eq!(first.exit, 137, "{what}: the agent was not killed");
    ok(vm, "test -e /run/sprung; rm -f /usr/local/sbin/*; udevadm settle");
    converges(vm, what);
}

fn converges(vm: &Vm, what: &str) {
    let run = bootstrap(vm, "");
    assert_eq!((run.exit, run.errors()), (0, vec![]), "{what}: {}", run.report);
    assert_eq!(
        ok(vm, "findmnt -no FSTYPE /mnt/k8s-disks/0; cat /sys/block/md127/md/raid_disks"),
        "xfs\n2",
        "{what}"
    );
    for folder in ["/var/lib/containerd", "/var/lib/kubelet", "/var/log/pods"] {
        ok(vm, &format!("mountpoint -q {folder}"));
    }
    assert_eq!(ok(vm, "cat /var/lib/containerd/a/file"), "kept", "{what}");
    let again = bootstrap(vm, "");
    assert_eq!(
        (again.exit, again.changed(), again.errors()),
        (0, vec![], vec![]),
        "{what}: {}",
        again.report
    );
}

#[test]
fn vm_converges_after_a_kill_at_every_command() {
    let vm = up(machine());
    furnish(&vm);
    // `$real` is the program itself: killed before it did anything, and after it did everything.
    let (before, after) = ("", "$real \"$@\"");
    let boundaries = [
        ("mdadm", before),
        ("mdadm", after),
        ("mkfs.xfs", after),
        ("systemctl", before),
        ("systemctl", after),
        ("cp", after),
    ];
    for (program, how) in boundaries {
        booby_trap(&vm, program, how);
        killed_then_converges(&vm, &format!("killed at {program}, which did {how:?}"));
        disarm(&vm);
        start_over(&vm);
    }
    // In the middle: the program itself is killed at its n-th write to a disk, then the agent.
    for (program, calls, counts) in
        [("mdadm", "write,pwrite64", [1, 2].as_slice()), ("mkfs.xfs", "pwrite64,pwritev2,writev", &[1, 5])]
    {
        for count in counts {
            let how = format!(
                "strace -f -qq -o /dev/null -e trace={calls} -e inject={calls}:signal=KILL:when={count} $real \"$@\" || true"
            );
            booby_trap(&vm, program, &how);
            killed_then_converges(&vm, &format!("killed at write {count} of {program}"));
            disarm(&vm);
            start_over(&vm);
        }
    }
}

#[test]
fn vm_converges_after_a_power_cut() {
    let mut vm = up(machine());
    furnish(&vm);
    // The power goes when the agent has come as far as one of these programs: the guest says so, then stands still.
    // What was written until then is on its way to the disks, or, with `sync`, has reached them.
    for (program, then) in [("mdadm", ""), ("mkfs.xfs", ""), ("cp", ""), ("cp", "sync")] {
        let real = ok(&vm, &format!("command -v {program}"));
        let script =
            format!("#!/bin/bash\n{real} \"$@\"\n{then}\necho reached >/run/bed/reached\nsleep 600\n");
        done("stop", vm.put(&format!("/usr/local/sbin/{program}"), script.as_bytes(), "755"));
        ok(
            &vm,
            &format!(
                "rm -f /run/bed/reached; (setsid {AGENT} bootstrap --json >/dev/null 2>&1 &); until [ -e /run/bed/reached ]; do sleep 0.1; done"
            ),
        );
        done("power cut", vm.power_cut());
        // The trap may not have reached the disk before the power went, or it may have.
        ok(&vm, "rm -f /usr/local/sbin/*; udevadm settle");
        converges(&vm, &format!("power cut at {program} {then}"));
        start_over(&vm);
    }
}

/// A kubelet as kubeadm's packages bring it, but for what it does: it writes down what it was told.
const KUBELET: &str =
    "[Service]\nExecStart=/bin/sh -c 'echo \"$$KUBELET_EXTRA_ARGS\" >/run/told; exec sleep 1000'\n";

/// What the kubelet is told when it is started now; nothing where systemd does not start it.
fn told(vm: &Vm) -> String {
    ok(
        vm,
        "rm -f /run/told; systemctl start kubelet; while systemctl is-active -q kubelet && [ ! -e /run/told ]; do sleep 0.1; done; cat /run/told 2>/dev/null; systemctl stop kubelet",
    )
}

#[test]
fn vm_a_killed_agent_lets_no_kubelet_in_as_healthy() {
    let vm = up(machine());
    furnish(&vm);
    done("kubelet", vm.put("/etc/systemd/system/kubelet.service", KUBELET.as_bytes(), "644"));
    for policy in ["taint", "halt"] {
        // A boot that nobody has prepared: systemd knows the unit without our drop-ins, as where its start is queued.
        ok(
            &vm,
            "rm -rf /run/gpunode /etc/gpunode /etc/systemd/system/kubelet.service.d; systemctl daemon-reload; \
             systemctl start kubelet; systemctl stop kubelet",
        );
        let arguments = format!("--set onFailure={policy}");
        booby_trap(&vm, "mdadm", "");
        let killed = format!("{AGENT} bootstrap --json {arguments} >/dev/null 2>&1");
        assert_eq!(done("killed run", vm.run(&killed, node::LONG)).exit, 137, "{policy}");
        let words = told(&vm);
        match policy {
            "taint" => assert!(words.contains("gpunode.io/not-ready=true:NoSchedule"), "{words}"),
            _ => assert_eq!(words, "", "the kubelet was started"),
        }
        disarm(&vm);
        let run = bootstrap(&vm, &arguments);
        assert_eq!((run.exit, run.errors()), (0, vec![]), "{policy}: {}", run.report);
        let words = told(&vm);
        assert!(words.contains("--node-labels=") && !words.contains("not-ready"), "{policy}: {words}");
        start_over(&vm);
    }
}
