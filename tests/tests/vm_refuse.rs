//! A disk that holds anything is refused, untouched to the byte, on a real kernel with the formats' own tools.

use gpunode_tests::node::{self, Run, bootstrap, ok, up};
use gpunode_tests::vm::{Disk, Vm};

const A: &str = "AWSAAAA0000AAAA0000A";
const B: &str = "AWSBBBB0000BBBB0000B";

/// What somebody may have put on a disk: how it gets there, given the disk as `$d`, and the code of the refusal.
const CONTENTS: [(&str, &str, &str); 13] = [
    ("ext4", "mkfs.ext4 -q -F $d", "DataDiskHoldsData"),
    ("XFS of somebody else", "mkfs.xfs -q -f -K --unsupported -L theirs $d", "DataDiskHoldsData"),
    ("LVM", "pvcreate -q -ff -y --config 'devices{scan_lvs=0}' $d >/dev/null", "DataDiskHoldsData"),
    ("GPT", "echo 'label: gpt' | sfdisk -q $d", "DataDiskHoldsData"),
    ("GPT with a partition", "printf 'label: gpt\\n,20M\\n' | sfdisk -q $d; udevadm settle", "DataDiskInUse"),
    ("MBR", "echo 'label: dos' | sfdisk -q $d", "DataDiskHoldsData"),
    ("swap", "mkswap -q $d", "DataDiskHoldsData"),
    ("swap in use", "mkswap -q $d; swapon $d", "DataDiskInUse"),
    (
        "LUKS",
        "echo key | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $d -",
        "DataDiskHoldsData",
    ),
    (
        "an unknown header",
        "printf 'my own format' | dd of=$d bs=4096 seek=3 status=none conv=notrunc",
        "DataDiskHoldsData",
    ),
    // In groups of 8 MiB even a disk this small has spare superblocks.
    (
        "an ext4 whose first 4 MiB were wiped",
        "mkfs.ext4 -q -F -b 4096 -g 2048 $d; dd if=/dev/zero of=$d bs=1M count=4 status=none conv=notrunc",
        "DataDiskHoldsData",
    ),
    // 1/164 of the disk; the proof misses no run longer than 1/512.
    (
        "data in the middle alone",
        "dd if=/dev/urandom of=$d bs=4k seek=7680 count=100 iflag=fullblock status=none conv=notrunc",
        "DataDiskHoldsData",
    ),
    (
        "half of somebody's array",
        "mdadm -q --create /dev/md/theirs --run --level=0 --force --raid-devices=1 $d; mdadm -q --stop /dev/md/theirs",
        "DataArrayForeign",
    ),
];

/// The device of the disk with this serial number.
fn device(vm: &Vm, serial: &str) -> String {
    ok(vm, &format!("readlink -f /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_{serial}"))
}

/// Everything on a disk, as a sparse copy to compare with.
fn keep(vm: &Vm, disk: &str) {
    ok(vm, &format!("sync; cp --sparse=always {disk} /var/tmp/kept"));
}

fn is_untouched(vm: &Vm, disk: &str, what: &str) {
    let output = node::done("cmp", vm.run(&format!("sync; cmp {disk} /var/tmp/kept"), node::LONG));
    assert_eq!(output.exit, 0, "{what}: {}", output.text());
}

fn refused(run: &Run, code: &str, what: &str) {
    assert_eq!(run.exit, 1, "{what}: {}", run.report);
    assert_eq!(run.codes("data-volumes"), [code], "{what}: {}", run.report);
    let others: Vec<_> =
        run.errors().into_iter().filter(|error| !error.starts_with("data-volumes: ")).collect();
    assert_eq!(others, Vec::<String>::new(), "{what}: {}", run.report);
    // The others went on.
    for step in ["sysctl", "limits", "nccl-env", "verify"] {
        assert!(["changed", "unchanged"].contains(&run.outcome(step)), "{what}: {step} {}", run.report);
    }
}

fn clean(vm: &Vm, disk: &str) {
    // A second device would be left behind by a test that failed; here all of them are gone before the disk is wiped.
    ok(
        vm,
        &format!(
            "swapoff -a; mdadm -q --stop --scan; sfdisk -q --delete {disk} 2>/dev/null; blkdiscard -f {disk}; blockdev --rereadpt {disk}; udevadm settle"
        ),
    );
}

#[test]
fn vm_refuses_what_holds_data() {
    // mkfs.xfs makes nothing under 300 MiB of both; every case reads B to its last byte, twice.
    let disk = |serial, mib| Disk::instance_store(serial, 1).mib(mib);
    let vm = up(node::machine(&[])
        .disk(disk(A, 320))
        .disk(disk(B, 64))
        .disk(Disk::ebs("vol00000000000000001", 1)));
    let (a, b) = (device(&vm, A), device(&vm, B));
    for (what, make, code) in CONTENTS {
        ok(&vm, &format!("set -e; d={b}; {make}"));
        keep(&vm, &b);
        refused(&bootstrap(&vm, ""), code, what);
        is_untouched(&vm, &b, what);
        // The blank disk beside it was left alone as well: no smaller volume is made behind anybody's back.
        assert_eq!(ok(&vm, &format!("cmp -n 33554432 {a} /dev/zero && echo blank")), "blank", "{what}");
        clean(&vm, &b);
    }

    // The root disk and EBS volumes that nobody named are not even candidates: the volume is made of A and B alone.
    let run = bootstrap(&vm, "");
    assert_eq!(
        (run.exit, run.outcome("data-volumes"), run.errors()),
        (0, "changed", vec![]),
        "{}",
        run.report
    );
    assert_eq!(ok(&vm, "ls /sys/block/md127/slaves | wc -l"), "2");

    // Our own array with a member gone is refused, not made anew.
    ok(
        &vm,
        "umount /var/lib/containerd /var/lib/kubelet /var/log/pods /mnt/k8s-disks/0; mdadm -q --stop /dev/md127; udevadm settle",
    );
    keep(&vm, &a);
    ok(&vm, &format!("blkdiscard -f {b}; udevadm settle; mdadm -q --stop --scan; true"));
    refused(&bootstrap(&vm, ""), "DataArrayDegraded", "a member gone");
    is_untouched(&vm, &a, "a member gone");
}

#[test]
fn vm_formats_an_ebs_volume_only_when_it_is_named() {
    let named = "vol0123456789abcdef1";
    let config = format!("{}[dataVolumes]\nebsVolumes = [\"vol-0123456789abcdef1\"]\n", node::CONFIG);
    let builder = node::machine(&[A]).disk(Disk::ebs(named, 1)).disk(Disk::ebs("vol0123456789abcdef2", 1));
    let vm = up(builder.user_data(node::user_data(&config)));
    let run = bootstrap(&vm, "");
    assert_eq!(
        (run.exit, run.outcome("data-volumes"), run.errors()),
        (0, "changed", vec![]),
        "{}",
        run.report
    );
    let link = |serial: &str| format!("/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{serial}");
    assert_eq!(
        ok(&vm, "findmnt -no SOURCE /mnt/k8s-disks/0"),
        ok(&vm, &format!("readlink -f {}", link(named)))
    );
    assert_eq!(ok(&vm, &format!("blkid -p {}; echo $?", link("vol0123456789abcdef2"))), "2");

    // One that is not attached is named in the finding.
    let missing = bootstrap(&vm, "--set dataVolumes.ebsVolumes=vol-0fffffffffffffff0 --plan");
    assert_eq!(missing.codes("data-volumes"), ["DataVolumeMissing"], "{}", missing.report);
}
