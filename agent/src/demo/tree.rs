//! The file tree of a machine of one instance type, as its kernel and an EKS GPU image would show it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};

use gpunode_host::Root;
use gpunode_host::catalog::InstanceType;

use super::machine::{devices, disks, software};

/// Says that a folder is one of ours.
pub(super) const MARK: &str = "/.gpunode-demo";

/// Files of a machine that do not depend on its type: path and content.
const COMMON: &[(&str, &str)] = &[
    ("/etc/os-release", "ID=\"amzn\"\nVERSION_ID=\"2023\"\nPRETTY_NAME=\"Amazon Linux 2023 (demo)\"\n"),
    ("/proc/sys/kernel/osrelease", "6.12.40-63.114.amzn2023.x86_64\n"),
    ("/proc/sys/kernel/random/boot_id", "00000000-0000-4000-8000-00000000d340\n"),
    ("/proc/sys/net/core/default_qdisc", "fq_codel\n"),
    ("/proc/sys/net/core/rmem_max", "212992\n"),
    ("/proc/sys/net/core/wmem_max", "212992\n"),
    ("/proc/sys/net/ipv4/tcp_congestion_control", "cubic\n"),
    ("/proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n"),
    ("/proc/sys/net/ipv4/tcp_wmem", "4096\t16384\t4194304\n"),
    ("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"),
    ("/proc/mdstat", "Personalities : \nunused devices: <none>\n"),
    ("/proc/cmdline", "root=/dev/nvme0n1p1 console=ttyS0\n"),
    ("/proc/self/mountinfo", "21 1 259:1 / / rw,noatime - xfs /dev/nvme0n1p1 rw\n"),
    ("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n"),
    ("/sys/class/net/ens5/operstate", "up\n"),
    ("/sys/class/net/ens5/device/vendor", "0x1d0f\n"),
    ("/etc/containerd/config.toml", "version = 3\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n"),
];

/// Builds the machine. The mark is made last, so that a folder that was left half built is not taken for whole.
pub(super) fn build(root: &Root, kind: &InstanceType) -> io::Result<()> {
    for (path, text) in COMMON {
        put(root, path, text)?;
    }
    let memory_kib = kind.memory_mib.unwrap_or(1 << 20) * 1024;
    put(root, "/proc/meminfo", &format!("MemTotal:       {memory_kib} kB\n"))?;
    put(root, "/sys/devices/virtual/dmi/id/product_name", &format!("{}\n", kind.name))?;
    for folder in [
        "/var/lib/containerd",
        "/var/lib/kubelet",
        "/var/log/pods",
        "/etc/systemd/system",
        "/dev/disk/by-uuid",
    ] {
        fs::create_dir_all(root.at(folder))?;
    }
    disks(root, kind)?;
    devices(root, kind)?;
    software(root, kind)?;
    put(root, MARK, "")
}

/// Writes a file and the folders above it.
pub(super) fn put(root: &Root, path: &str, text: &str) -> io::Result<()> {
    let full = root.at(path);
    if let Some(folder) = full.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(full, text)
}

/// Writes a program that nothing will run: the player answers for it.
pub(super) fn put_program(root: &Root, path: &str) -> io::Result<()> {
    put(root, path, "")?;
    fs::set_permissions(root.at(path), fs::Permissions::from_mode(0o755))
}

/// Makes a link inside the machine.
pub(super) fn link(root: &Root, path: &str, target: &str) -> io::Result<()> {
    let full = root.at(path);
    if let Some(folder) = full.parent() {
        fs::create_dir_all(folder)?;
    }
    symlink(target, full)
}

/// A disk of `size` bytes that takes no room.
pub(super) fn put_disk(root: &Root, path: &str, size: u64) -> io::Result<()> {
    put(root, path, "")?;
    File::options().write(true).open(root.at(path))?.set_len(size)
}
