//! Disks, memory and tasks: what the kernel says beside GPUs and EFA.

use super::rules;
use crate::health::rule::Confirm::{AtOnce, Looks};

rules! { ROWS:
    DISK_IO_ERROR = "DiskIoError", Disk, Error, AtOnce, Reboot;
        is "A disk has I/O errors.",
        seen "kernel line `I/O error, dev <disk>`, or `critical medium error`",
        do "Drain the node and replace the instance; data on an instance-store disk may be lost.",
        by "Linux block layer, blk_status_to_str";
    DISK_VIRTUAL_IO_ERROR = "DiskVirtualIoError", Disk, Warning, AtOnce, WhenGone, for 3600 s;
        is "A block device that is no disk itself had I/O errors: an array, a loop device, device mapper, one of the network.",
        seen "kernel line `I/O error, dev <device>` or `Buffer I/O error on dev <device>`; of a loop device or one of the network also a file system's",
        do "Nothing, when it was taken away at that time; else look at what it is made of: a disk that is sick is told by its own name.",
        by "Linux drivers/md/md.c, md_submit_bio: an array that is being stopped fails whatever still reads it";
    DISK_CONTROLLER_DOWN = "DiskControllerDown", Disk, Error, AtOnce, Reboot;
        is "An NVMe controller went down.",
        seen "kernel line `controller is down; will reset`, `Removing after probe failure` or a time-out with a reset",
        do "Drain the node; replace the instance when the disk does not come back.",
        by "Linux drivers/nvme/host/pci.c";
    DISK_COMMAND_TIMEOUT = "DiskCommandTimeout", Disk, Warning, AtOnce, WhenGone, for 3600 s;
        is "An NVMe disk took too long to answer.",
        seen "kernel line `I/O … timeout, aborting`",
        do "Look at the volume's metrics; on EBS a volume at its limits answers late.",
        by "Linux drivers/nvme/host/pci.c";
    FILE_SYSTEM_ERROR = "FileSystemError", Disk, Error, AtOnce, Reboot;
        is "A file system found damage or shut itself down.",
        seen "kernel lines of XFS or ext4 about corruption, metadata I/O errors or a shutdown",
        do "Drain the node and replace the instance.",
        by "Linux fs/xfs, fs/ext4";
    RAID_DISK_FAILED = "RaidDiskFailed", Disk, Error, AtOnce, Replace;
        is "A member of a RAID array failed.",
        seen "kernel line `Disk failure on <disk>`",
        do "Replace the instance: a RAID0 without one of its disks has lost its data.",
        by "Linux drivers/md";
    DATA_VOLUME_NOT_MOUNTED = "DataVolumeNotMounted", Disk, Error, Looks(2), WhenGone;
        is "A data volume, or a folder that lies on it, is not mounted although the boot has ended.",
        seen "a mount unit of gpunode-agent whose place the table of mounts does not have, in two looks in a row",
        do "Look at the unit with `systemctl status`; drain the node before it is mounted again, since pods write to the root disk meanwhile.",
        by "proc(5), mountinfo";
    DATA_VOLUME_READ_ONLY = "DataVolumeReadOnly", Disk, Error, Looks(2), WhenGone;
        is "A data volume, or a folder that lies on it, can only be read.",
        seen "`ro` in the table of mounts, of the mount or of the whole file system, in two looks in a row",
        do "Drain the node and look in the kernel log for what the file system has found; replace the instance.",
        by "proc(5), mountinfo";
    PCIE_UNCORRECTED = "PcieUncorrected", Pci, Warning, AtOnce, WhenGone, for 3600 s;
        is "A PCIe device reported an error that was not corrected.",
        seen "kernel lines of AER with an uncorrected severity, of containment, or of a device that cannot be woken",
        do "Look which device it is; replace the instance when it happens again.",
        by "Linux drivers/pci/pcie/aer.c";
    PCIE_SLOT_EMPTY = "PcieSlotEmpty", Pci, Info, AtOnce, WhenGone, for 600 s;
        is "A PCIe slot lost its device.",
        seen "kernel lines `Link Down` or `Card not present`",
        do "Nothing, when a volume or an interface was detached at that time.",
        by "Linux drivers/pci/hotplug";
    MACHINE_CHECK = "MachineCheck", Node, Warning, AtOnce, WhenGone, for 3600 s;
        is "The processor or its memory reported a hardware error.",
        seen "kernel lines `[Hardware Error]` that do not say corrected, of EDAC about an uncorrected error, `Memory failure`",
        do "Replace the instance when it happens again.",
        by "Linux arch/x86/kernel/cpu/mce, drivers/edac";
    OUT_OF_MEMORY = "OutOfMemory", Node, Info, AtOnce, WhenGone, for 600 s;
        is "The kernel killed a process because memory ran out.",
        seen "kernel line `Out of memory: Killed process` or `Memory cgroup out of memory`",
        do "Nothing, when the process was a pod above its limit.",
        by "Linux mm/oom_kill.c";
    TASK_HUNG = "TaskHung", Node, Warning, AtOnce, WhenGone, for 600 s;
        is "A task hangs in the kernel.",
        seen "kernel line `blocked for more than <n> seconds`",
        do "Look at the lines after it in the kernel log: nvidia or efa in them points to the device.",
        by "Linux kernel/hung_task.c";
    PROCESSOR_LOCKED_UP = "ProcessorLockedUp", Node, Error, AtOnce, WhenGone, for 600 s;
        is "A processor is locked up in the kernel.",
        seen "kernel lines `soft lockup`, `hard LOCKUP` or `rcu … self-detected stall`",
        do "Reboot; replace the instance when it happens again.",
        by "Linux kernel/watchdog.c";
    KERNEL_LOG_LOST = "KernelLogLost", Node, Info, AtOnce, WhenGone, for 600 s;
        is "The kernel wrote faster than its log was read, and lines were lost.",
        seen "a gap in the sequence numbers of /dev/kmsg",
        do "Look for what floods the kernel log; a fault in the lost lines may be known from NVML or counters alone.",
        by "Linux Documentation/ABI/testing/dev-kmsg";
}
