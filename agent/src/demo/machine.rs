//! The devices of the demo machine.

use std::io;

use gpunode_host::Root;
use gpunode_host::catalog::{InstanceType, NvSwitch};

use super::metadata::{efa_cards, mac};
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

/// The GPUs on the PCI bus, with a loaded driver.
pub(super) fn gpus(root: &Root, kind: &InstanceType) -> io::Result<()> {
    for number in 0..kind.gpu_count() {
        let address = format!("0000:{:02x}:00.0", 0x53 + number * 0x10);
        let folder = format!("/sys/bus/pci/devices/{address}");
        for (name, text) in [("vendor", "0x10de"), ("device", "0x2330"), ("class", "0x030200")] {
            put(root, &format!("{folder}/{name}"), &format!("{text}\n"))?;
        }
        link(root, &format!("{folder}/driver"), "../../../bus/pci/drivers/nvidia")?;
        device(root, &format!("/dev/nvidia{number}"))?;
    }
    for name in ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "kmsg"] {
        device(root, &format!("/dev/{name}"))?;
    }
    if kind.nvswitch == NvSwitch::Local {
        device(root, "/dev/nvidia-nvswitchctl")?;
    }
    Ok(())
}

/// A character device, which only root could make: a link to one that every machine has.
fn device(root: &Root, path: &str) -> io::Result<()> {
    link(root, path, "/dev/null")
}

/// One EFA device for each network card that carries one. The MAC stands in the link-local GID, in modified EUI-64
/// form (RFC 4291, appendix A).
pub(super) fn efas(root: &Root, kind: &InstanceType) -> io::Result<()> {
    for (number, card) in efa_cards(kind).enumerate() {
        let bus = 0x40 + number;
        let name = format!("rdmap{bus}s0");
        let folder = format!("/sys/class/infiniband/{name}");
        let pci = format!("/sys/bus/pci/devices/0000:{bus:02x}:1c.0");
        for (leaf, text) in [("vendor", "0x1d0f"), ("device", "0xefa2"), ("class", "0x020000")] {
            put(root, &format!("{pci}/{leaf}"), &format!("{text}\n"))?;
        }
        link(root, &format!("{folder}/device"), &format!("../../../bus/pci/devices/0000:{bus:02x}:1c.0"))?;
        let gid = gid(&mac(card.index, u32::from(card.index == 0)));
        put(root, &format!("{folder}/ports/1/gids/0"), &format!("{gid}\n"))?;
        put(root, &format!("{folder}/ports/1/state"), "4: ACTIVE\n")?;
        device(root, &format!("/dev/infiniband/uverbs{number}"))?;
    }
    Ok(())
}

fn gid(mac: &str) -> String {
    let byte =
        |at: usize| mac.split(':').nth(at).and_then(|part| u8::from_str_radix(part, 16).ok()).unwrap_or(0);
    format!(
        "fe80:0000:0000:0000:{:02x}{:02x}:{:02x}ff:fe{:02x}:{:02x}{:02x}",
        byte(0) ^ 2,
        byte(1),
        byte(2),
        byte(3),
        byte(4),
        byte(5)
    )
}

/// What an image with everything installed carries: the versions of EFA installer 1.47 and of our default driver.
pub(super) fn software(root: &Root, kind: &InstanceType) -> io::Result<()> {
    let driver = "550.127.05";
    put(root, "/sys/module/nvidia/version", &format!("{driver}\n"))?;
    let flavour = match kind.driver_flavour() {
        gpunode_host::catalog::DriverFlavour::Open => "NVIDIA UNIX Open Kernel Module for x86_64",
        _ => "NVIDIA UNIX x86_64 Kernel Module",
    };
    put(root, "/proc/driver/nvidia/version", &format!("NVRM version: {flavour}  {driver}  Release Build\n"))?;
    if kind.has_efa() {
        put(root, "/sys/module/efa/version", "2.17.3g\n")?;
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
