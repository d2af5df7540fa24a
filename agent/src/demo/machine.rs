//! The devices of the demo machine.

use std::io;

use gpunode_host::Root;
use gpunode_host::catalog::InstanceType;
use gpunode_tree::{MachineTree, Options};

use super::tree::{link, put, put_disk, put_program};

/// The root volume on EBS, then the instance store.
pub(super) fn disks(root: &Root, kind: &InstanceType) -> io::Result<()> {
    disk(root, 0, "Amazon Elastic Block Store", "vol0demo00000000000a", 200_000_000_000)?;
    for (path, text) in [("partition", "1"), ("dev", "259:1"), ("size", "390625000"), ("ro", "0")] {
        put(root, &format!("/sys/class/block/nvme0n1/nvme0n1p1/{path}"), text)?;
        put(root, &format!("/sys/class/block/nvme0n1p1/{path}"), text)?;
    }
    let sizes = kind.disks.iter().flat_map(|disks| (0..disks.count).map(|_| disks.gb * 1_000_000_000));
    for (number, size) in (1..).zip(sizes) {
        disk(root, number, "Amazon EC2 NVMe Instance Storage", &format!("AWSDEMO{number:013}"), size)?;
    }
    Ok(())
}

fn disk(root: &Root, number: u32, model: &str, serial: &str, size: u64) -> io::Result<()> {
    let folder = format!("/sys/class/block/nvme{number}n1");
    // The kernel pads the model to 40 characters and counts sizes in 512 bytes.
    let files = [
        ("device/model", format!("{model:40}")),
        ("device/serial", format!("{serial:20}")),
        ("dev", format!("259:{}", number * 2)),
        ("size", (size / 512).to_string()),
        ("ro", "0".to_owned()),
        ("queue/logical_block_size", "512".to_owned()),
        ("queue/physical_block_size", "4096".to_owned()),
    ];
    for (name, text) in files {
        put(root, &format!("{folder}/{name}"), &format!("{text}\n"))?;
    }
    put_disk(root, &format!("/dev/nvme{number}n1"), size / 512 * 512)
}

/// GPUs, EFA devices and network interfaces, with their drivers, as the tests' machines have them.
pub(super) fn devices(root: &Root, kind: &InstanceType) -> io::Result<()> {
    MachineTree::build(root.path(), kind.clone(), Options::default())?;
    // Character devices, which only root could make: links to one that every machine has.
    link(root, "/dev/kmsg", "/dev/null")
}

/// What an image with everything installed carries besides the drivers.
pub(super) fn software(root: &Root, kind: &InstanceType) -> io::Result<()> {
    if kind.has_efa() {
        put(
            root,
            "/opt/amazon/efa_installed_packages",
            "# EFA installer version: 1.43.2\nlibfabric-aws-2.1.0amzn5.0-1.amzn2023.x86_64\nlibnccl-ofi-1.16.2-1.amzn2023.x86_64\n",
        )?;
        put(root, "/opt/amazon/efa/lib64/libfabric.so.1", "")?;
        put(
            root,
            "/opt/amazon/ofi-nccl/lib64/libnccl-net-ofi.so",
            "NET/OFI Initializing aws-ofi-nccl 1.16.2\n",
        )?;
        put(root, "/etc/ld.so.conf.d/100_ofinccl.conf", "/opt/amazon/ofi-nccl/lib64\n")?;
    }
    if kind.needs_fabric_manager() {
        put_program(root, "/usr/bin/nv-fabricmanager")?;
        put_program(root, "/opt/nvidia/nvlsm/sbin/nvlsm")?;
    }
    for program in [
        "/usr/bin/nvidia-container-runtime",
        "/usr/bin/nvidia-ctk",
        "/usr/bin/containerd",
        "/usr/bin/nodeadm",
    ] {
        put_program(root, program)?;
    }
    Ok(())
}
