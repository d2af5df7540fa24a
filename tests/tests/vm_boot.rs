//! A machine boots as a GPU node, from real user data by real cloud-init, on a real kernel with real NVMe disks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps a test is a test")]

use gpunode_tests::binary;
use gpunode_tests::node::{self, bootstrap, done, ok, up};
use gpunode_tests::vm::{Disk, Vm, mime};
use serde_json::{Value, json};

const DISKS: [&str; 4] =
    ["AWS1111AAAA1111AAAA1", "AWS2222BBBB2222BBBB2", "AWS3333CCCC3333CCCC3", "AWS4444DDDD4444DDDD4"];

/// The part of the user data that operators put into their launch template, with its two values filled in.
fn fetch_script() -> String {
    include_str!("../../ami/user-data.sh")
        .replace("@URL@", "http://169.254.169.254/files/gpunode-agent")
        .replace("@SHA256@", &binary::sha256(&binary::agent()))
}

fn volume_is_right(vm: &Vm) {
    assert_eq!(ok(vm, "findmnt -no FSTYPE /mnt/k8s-disks/0"), "xfs");
    assert_eq!(ok(vm, "cat /sys/block/md*/md/level /sys/block/md*/md/raid_disks"), "raid0\n4");
    for folder in ["/var/lib/containerd", "/var/lib/kubelet", "/var/log/pods"] {
        let source = ok(vm, &format!("findmnt -no SOURCE {folder}"));
        assert!(source.starts_with("/dev/md") && source.contains('['), "{folder} is on {source}");
    }
    // Mounted by UUID, by a unit that systemd knows, and not by a line in fstab.
    let unit = ok(vm, r"systemctl cat 'mnt-k8s\x2ddisks-0.mount'");
    let uuid = ok(vm, "findmnt -no UUID /mnt/k8s-disks/0");
    assert!(unit.contains(&format!("What=/dev/disk/by-uuid/{uuid}")), "{unit}");
}

fn network_is_right(vm: &Vm) {
    assert_eq!(ok(vm, "sysctl -n net.ipv4.tcp_congestion_control net.core.default_qdisc"), "bbr\nfq");
    assert_eq!(ok(vm, "sysctl -n net.core.rmem_max"), "134217728");
}

/// In each of the places that something reads it from, as that reader understands it.
fn nccl_is_told(vm: &Vm) {
    let conf = ok(vm, "cat /etc/nccl.conf");
    let lines: Vec<_> = conf.lines().collect();
    let at = lines.iter().position(|line| !line.starts_with('#') && !line.is_empty());
    let at = at.unwrap_or_else(|| panic!("no variable: {conf}"));
    assert_eq!(lines[at], "NCCL_DEBUG_FILE=/var/log/nccl %h", "the profile auto needs none itself: {conf}");
    assert!(at > 0 && lines[at - 1].starts_with("# "), "a comment says why: {conf}");
    let others = lines[at + 1..].iter().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
    assert_eq!(others, 0, "{conf}");
    let shell = "env -i /bin/sh -c '. /etc/profile.d/gpunode-nccl.sh && env' | grep ^NCCL";
    assert_eq!(ok(vm, shell), "NCCL_DEBUG_FILE=/var/log/nccl %h");
    let generator = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";
    // It hands them on with quotes.
    assert_eq!(ok(vm, &format!("{generator} | grep ^NCCL")), "NCCL_DEBUG_FILE=\"/var/log/nccl %h\"");
    let cdi: Value = serde_json::from_str(&ok(vm, "cat /etc/cdi/gpunode.io-nccl.json")).unwrap();
    let env = json!(["GPUNODE_NCCL_PROFILE=auto", "NCCL_DEBUG_FILE=/var/log/nccl %h"]);
    assert_eq!(cdi.pointer("/devices/0/containerEdits/env"), Some(&env), "{cdi:#}");
}

/// For who logs in, by PAM, and for services, by systemd.
fn limits_are_raised(vm: &Vm) {
    assert_eq!(ok(vm, "su -s /bin/bash root -c 'ulimit -Hl; ulimit -Hn'"), "unlimited\n1048576");
    assert_eq!(ok(vm, "su -s /bin/bash nobody -c 'ulimit -Sl; ulimit -Sn'"), "unlimited\n1048576");
    // This machine has no containerd; what a service of its name gets is what it would get.
    let unit = "/run/systemd/system/containerd.service";
    let service = "[Service]\nType=oneshot\nExecStart=/bin/bash -c 'ulimit -Hl; ulimit -Hn'\n";
    ok(
        vm,
        &format!("cat > {unit} <<'END'\n{service}END\nsystemctl daemon-reload && systemctl start containerd"),
    );
    let said = ok(vm, "journalctl -b --no-pager -o cat -t bash -u containerd");
    assert_eq!(said, "unlimited\n1048576");
    ok(vm, &format!("rm {unit} && systemctl daemon-reload"));
}

#[test]
fn vm_boots_as_a_node_and_stays_one() {
    let config = format!("{}[nccl.env]\nNCCL_DEBUG_FILE = \"/var/log/nccl %h\"\n", node::CONFIG);
    let parts =
        [("application/vnd.gpunode.node+toml", config.as_str()), ("text/x-shellscript", &fetch_script())];
    let builder =
        node::machine(&DISKS).user_data(mime(&parts)).disk(Disk::ebs("vol0123456789abcdef0", 1)).cloud_init();
    let mut vm = up(builder);

    assert_eq!(ok(&vm, "cloud-init query instance_id"), "i-0123456789abcdef0");
    assert!(ok(&vm, "cloud-init status --long").contains("DataSourceEc2"));

    // The first boot: everything was done, by the unit that the user data installed.
    let log = ok(&vm, "journalctl -b --no-pager -t gpunode-agent; tail -n 20 /var/log/cloud-init-output.log");
    let status = ok(&vm, "systemctl show gpunode-agent -p ActiveState -p Result -p ExecMainStatus");
    assert_eq!(status, "Result=success\nExecMainStatus=0\nActiveState=active", "{log}");
    volume_is_right(&vm);
    network_is_right(&vm);
    let report = ok(&vm, "cat /run/gpunode/report.json");
    assert!(report.contains(r#""verdict": "ok""#), "{report}");

    // The log has fields, not only text.
    let fields = ok(&vm, "journalctl -b --no-pager -o verbose -t gpunode-agent GPUNODE_STEP=data-volumes");
    assert!(fields.contains("GPUNODE_OUTCOME=changed") && fields.contains("GPUNODE_ELAPSED_MS="), "{fields}");

    // Nobody else's disk was touched.
    assert_eq!(
        ok(&vm, "blkid -p /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0; echo $?"),
        "2"
    );

    nccl_is_told(&vm);
    limits_are_raised(&vm);

    // A second run changes nothing, and says so.
    let again = bootstrap(&vm, "");
    assert_eq!((again.exit, again.changed(), again.errors()), (0, vec![], vec![]), "{}", again.report);

    // After a reboot, and after a power cut, the same volume is there with what was on it, and nothing is made anew.
    let before = ok(&vm, "echo precious > /mnt/k8s-disks/0/kept; sync; findmnt -no UUID /mnt/k8s-disks/0");
    // cloud-init runs the script once for an instance, which would fetch another file.
    let fetched = ok(&vm, "stat -c %i /usr/local/bin/gpunode-agent");
    for how in ["reboot", "power cut"] {
        if how == "reboot" {
            done(how, vm.reboot());
        } else {
            done(how, vm.power_cut());
        }
        assert_eq!(ok(&vm, "stat -c %i /usr/local/bin/gpunode-agent"), fetched, "after {how}");
        volume_is_right(&vm);
        network_is_right(&vm);
        assert_eq!(ok(&vm, "findmnt -no UUID /mnt/k8s-disks/0"), before, "after {how}");
        assert_eq!(ok(&vm, "cat /mnt/k8s-disks/0/kept"), "precious", "after {how}");
        let steps = ok(&vm, "journalctl -b --no-pager -o cat -t gpunode-agent GPUNODE_STEP=data-volumes");
        assert!(steps.contains("unchanged"), "after {how}: {steps}");
    }
}
