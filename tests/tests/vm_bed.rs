//! Proves the virtual machines themselves, so that a test that fails in one is about what it tests.

#![allow(clippy::panic, clippy::unwrap_used, reason = "what helps a test is a test")]

use std::time::{Duration, Instant};

use gpunode_tests::vm::{Disk, Error, Vm};

const SHORT: Duration = Duration::from_secs(120);

/// Says on standard error what took how long; nothing depends on it.
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    eprintln!("{what}: {:.1} s", start.elapsed().as_secs_f64());
    done
}

fn ok(vm: &Vm, command: &str) -> String {
    vm.run(command, SHORT).and_then(|output| output.ok()).unwrap_or_else(|error| panic!("{error}"))
}

fn up<T>(what: &str, work: impl FnOnce() -> Result<T, Error>) -> T {
    timed(what, work).unwrap_or_else(|error| panic!("{what}: {error}"))
}

#[test]
fn vm_is_an_instance_that_does_what_a_test_asks() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tool"), "#!/bin/sh\necho fetched\n").unwrap();
    let builder = Vm::builder()
        .instance_type("p5en.48xlarge")
        .disk(Disk::instance_store("AWS0A1B2C3D4E5F60718", 3576))
        .disk(Disk::ebs("vol0123456789abcdef0", 100))
        .disk(Disk::foreign("notamazon", 1))
        .user_data("first")
        .file("tool", folder.path().join("tool"));
    let vm = up("boot to control", || builder.boot_to_control());
    up("control to settled", || vm.wait_settled());
    looks_like_an_instance(&vm);
    metadata_needs_a_token(&vm);
    commands_report_and_never_block_the_channel(vm);
}

fn looks_like_an_instance(vm: &Vm) {
    assert_eq!(ok(vm, "systemctl --failed --no-legend"), "");
    assert_eq!(
        ok(vm, "cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name"),
        "Amazon EC2\np5en.48xlarge"
    );
    assert!(ok(vm, "cat /sys/class/dmi/id/product_uuid").starts_with("ec2"));

    // The controller hangs below the disk, as for EC2's disks on PCIe, and sizes are the nominal ones.
    let list = "for disk in /sys/block/nvme*; do echo $(cat $disk/device/model), $(cat $disk/device/serial), \
        $(cat $disk/size); done | sed 's/ ,/,/g' | grep -v 'bed-' | sort";
    assert_eq!(
        ok(vm, list),
        "Amazon EC2 NVMe Instance Storage, AWS0A1B2C3D4E5F60718, 7499415552\n\
         Amazon Elastic Block Store, vol0123456789abcdef0, 209715200\n\
         QEMU NVMe Ctrl, notamazon, 2097152"
    );
    let link = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0";
    assert!(ok(vm, &format!("readlink {link}")).contains("nvme"));
    // What lies behind them is not mounted anywhere that a program would find.
    assert!(!ok(vm, "cat /proc/self/mounts").contains("backing"));
}

/// At its end the machine is off.
fn commands_report_and_never_block_the_channel(mut vm: Vm) {
    let output = vm.run("echo out; echo err >&2; exit 7", SHORT).unwrap();
    assert_eq!((output.text(), output.complaint(), output.exit), ("out\n".into(), "err\n".into(), 7));
    assert!(matches!(output.ok(), Err(Error::Command { exit: 7, .. })));

    let hung =
        vm.run("echo started; trap '' TERM; sleep 100000 & wait; sleep 100000", Duration::from_secs(10));
    let Err(error @ Error::Deadline { .. }) = hung else {
        panic!("{hung:?}");
    };
    assert!(error.to_string().contains("stdout: started"), "{error}");
    ok(&vm, "while pgrep -x sleep; do sleep 0.1; done");

    let bytes: Vec<u8> = (0..=255).cycle().take(3_000_001).collect();
    vm.put("/opt/new/folder/file", &bytes, "0640").unwrap();
    assert_eq!(ok(&vm, "stat -c %a /opt/new/folder/file"), "640");
    assert_eq!(vm.get("/opt/new/folder/file").unwrap(), bytes);
    assert!(matches!(vm.get("/none"), Err(Error::Command { .. })));

    let job = vm.start("sleep 100000").unwrap();
    vm.power_off();
    assert!(matches!(vm.wait(job, SHORT), Err(Error::Gone { .. })));
    assert!(matches!(vm.run("true", SHORT), Err(Error::Gone { .. })));
}

#[test]
fn vm_array_survives_reboot_and_power_cut() {
    let builder = Vm::builder()
        .disk(Disk::instance_store("AWS00000000000000001", 4))
        .disk(Disk::instance_store("AWS00000000000000002", 4));
    let mut vm = up("boot", || builder.boot());
    let make = "set -e
        mdadm --create /dev/md/data --run --level=0 --raid-devices=2 \
            /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS0000000000000000{1,2}
        mkfs.xfs -q -L data /dev/md/data
        mkdir /mnt/data
        echo \"UUID=$(blkid -s UUID -o value /dev/md/data) /mnt/data xfs noatime\" >> /etc/fstab
        systemctl daemon-reload
        mount /mnt/data
        echo kept > /mnt/data/file
        touch /root/kept";
    up("make and mount", || vm.run(make, SHORT)?.ok());
    let look = "findmnt -n -o FSTYPE /mnt/data; cat /mnt/data/file; ls /root/kept; cat /sys/block/md*/md/level; \
        cat /sys/block/md*/md/raid_disks";
    let expected = "xfs\nkept\n/root/kept\nraid0\n2";
    assert_eq!(ok(&vm, look), expected);

    let boot_id = ok(&vm, "cat /proc/sys/kernel/random/boot_id");
    up("reboot", || vm.reboot());
    assert_ne!(ok(&vm, "cat /proc/sys/kernel/random/boot_id"), boot_id);
    assert_eq!(ok(&vm, look), expected);

    // What was flushed is there after a power cut; what was not is not promised, and the file system mounts.
    ok(
        &vm,
        "echo flushed > /mnt/data/flushed; sync -f /mnt/data; dd if=/dev/zero of=/mnt/data/big bs=1M count=64",
    );
    up("power cut and boot", || vm.power_cut());
    assert_eq!(ok(&vm, look), expected);
    assert_eq!(ok(&vm, "cat /mnt/data/flushed"), "flushed");
    assert!(
        ok(&vm, "dmesg | grep -i xfs").contains("Starting recovery"),
        "the cut must have come in the middle"
    );
}

fn metadata_needs_a_token(vm: &Vm) {
    let status =
        "curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/instance-type";
    assert_eq!(ok(vm, status), "401");
    let get = |path: &str| {
        let command = format!(
            "token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
             curl -sf -H \"X-aws-ec2-metadata-token: $token\" http://169.254.169.254/latest/{path}"
        );
        vm.run(&command, SHORT).unwrap()
    };
    assert_eq!(get("meta-data/instance-type").ok().unwrap(), "p5en.48xlarge");
    assert_eq!(get("user-data").ok().unwrap(), "first");
    vm.set_user_data(Some(b"second")).unwrap();
    assert_eq!(get("user-data").ok().unwrap(), "second");
    vm.set_user_data(None).unwrap();
    assert_eq!(get("user-data").exit, 22, "curl's code for an HTTP error");
    assert_eq!(
        ok(vm, "curl -sf http://169.254.169.254/files/tool | sh; /run/bed/files/tool"),
        "fetched\nfetched"
    );
}
