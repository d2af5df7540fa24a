//! Damages the demo machine, so that a step has something to find.

use std::fs::{self, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};

use gpunode_host::catalog::InstanceType;
use gpunode_host::{Root, gpu_pci};

use super::tree::put;
use crate::step::StepId;

const RDMA: &str = "/sys/class/infiniband";

/// Damages what `step` looks at. A machine of this type that has nothing of the kind is an error.
pub(super) fn damage(root: &Root, kind: &InstanceType, step: StepId) -> io::Result<()> {
    match step {
        // The metadata service is not started, the last look at everything finds nothing by itself, and a boot has no
        // steps that make an image.
        StepId::Facts | StepId::Verify | StepId::Agent | StepId::Image => Ok(()),
        // A kernel without packet scheduling has no such value.
        StepId::Sysctl => remove(root, "/proc/sys/net/core/default_qdisc"),
        StepId::Limits => file_in_the_way(root, "/etc/security/limits.d"),
        StepId::DataVolumes => foreign_file_system(root),
        StepId::NvidiaDriver => {
            remove(root, "/sys/module/nvidia/version")?;
            remove(root, "/proc/driver/nvidia/version")
        }
        StepId::Efa => one_interface_less(root, kind),
        StepId::OfiNccl => remove(root, "/opt/amazon/ofi-nccl/lib64/libnccl-net-ofi.so"),
        StepId::Health => fallen_off_the_bus(root, kind),
        StepId::ContainerRuntime => remove(root, "/usr/bin/nvidia-container-runtime"),
        StepId::NcclEnv => folder_in_the_way(root, "/etc/nccl.conf"),
        StepId::Kubelet => folder_in_the_way(root, "/etc/eks/nodeadm.d/90-gpunode-kubelet.yaml"),
    }
}

fn remove(root: &Root, path: &str) -> io::Result<()> {
    match fs::remove_file(root.at(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A folder with something in it stands where a file should be.
fn folder_in_the_way(root: &Root, file: &str) -> io::Result<()> {
    match fs::remove_file(root.at(file)) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory) => {
            Err(error)
        }
        _ => fs::create_dir_all(root.at(file).join("in-the-way")),
    }
}

/// A file stands where a folder should be.
fn file_in_the_way(root: &Root, folder: &str) -> io::Result<()> {
    match fs::remove_dir_all(root.at(folder)) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(error);
        }
        _ => {}
    }
    put(root, folder, "a file stands where the folder should be\n")
}

/// The magic number of ext4 (0xEF53 at byte 1080) on the first instance-store disk: somebody's data.
fn foreign_file_system(root: &Root) -> io::Result<()> {
    let path = root.at("/dev/nvme1n1");
    if !path.exists() {
        return Err(io::Error::other("this instance type has no instance-store disk to damage"));
    }
    let mut disk = OpenOptions::new().write(true).open(path)?;
    disk.seek(SeekFrom::Start(1080))?;
    disk.write_all(&[0x53, 0xef])
}

/// The first GPU is still listed, and answers whatever it is asked with all ones.
fn fallen_off_the_bus(root: &Root, kind: &InstanceType) -> io::Result<()> {
    match gpu_pci::devices(root).first() {
        Some(gpu) => fs::write(root.at(format!("/sys/bus/pci/devices/{}/config", gpu.address)), [0xff; 64]),
        None => Err(io::Error::other(format!("{} has no GPU to lose", kind.name))),
    }
}

/// The last card, as if it had never been attached: neither on the bus nor an RDMA device.
fn one_interface_less(root: &Root, kind: &InstanceType) -> io::Result<()> {
    let Some(device) = root.list(RDMA).pop() else {
        return Err(io::Error::other(format!("{} has no EFA interface to take away", kind.name)));
    };
    let class = root.at(format!("{RDMA}/{device}"));
    let function = fs::canonicalize(class.join("device"))?;
    let address = function.file_name().unwrap_or_default();
    fs::remove_file(&class)?;
    fs::remove_file(root.at("/sys/bus/pci/devices").join(address))?;
    fs::remove_dir_all(function)
}
