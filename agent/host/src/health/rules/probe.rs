//! The libraries and the probe that loads them.

use super::rules;
use crate::health::rule::Confirm::{AtOnce, Looks};

rules! { ROWS:
    NVIDIA_DRIVER_ABSENT = "NvidiaDriverAbsent", Node, Error, Looks(2), WhenGone;
        is "The machine has NVIDIA GPUs and no NVIDIA driver is loaded.",
        seen "GPUs on the PCI bus and no /proc/driver/nvidia/version, in two looks in a row",
        do "Use an image that carries the driver, or let the agent install it (`nvidia.install = \"auto\"`, on Amazon Linux 2023 and Ubuntu); where it should have, the step `nvidia-driver` of the last boot says why not.",
        by "NVIDIA driver README, the /proc interface";
    NVML_NOT_INSTALLED = "NvmlNotInstalled", Node, Warning, Looks(2), WhenGone;
        is "The NVIDIA driver is loaded and its management library is not installed: little can be said of the GPUs.",
        seen "the loader does not find libnvidia-ml.so.1, in two looks in a row",
        do "Install the driver's user-space packages in the version of the loaded driver.",
        by "NVML API reference";
    NVML_VERSION_MISMATCH = "NvmlVersionMismatch", Node, Error, Looks(2), Reboot;
        is "The driver's library and its kernel module are of different versions, so that no new program gets a GPU.",
        seen "nvmlInit ends with NVML_ERROR_LIB_RM_VERSION_MISMATCH (18), in two looks in a row",
        do "Reboot, so that the new module is loaded.",
        by "NVML API reference, return values";
    NVML_UNUSABLE = "NvmlUnusable", Node, Error, Looks(2), WhenGone;
        is "The driver's management library cannot be used.",
        seen "nvmlInit ends with another error, or the library lacks what every version has, in two looks in a row",
        do "Read the kernel log for lines with NVRM; install the driver's packages anew.",
        by "NVML API reference, return values";
    GPU_PROBE_HUNG = "GpuProbeHung", Node, Error, AtOnce, WhenGone;
        is "A call into the NVIDIA driver does not come back.",
        seen "the probe did not answer within 5 s (50 s while the driver has yet to start a GPU), and not for want of a processor",
        do "Look at the kernel log for Xid 119 and tasks blocked in nvidia; when it stays, reboot, then replace the instance.",
        by "gpu-monitoring-tools issue 46 and others: calls hang when a GPU or its GSP is sick";
    GPU_HANGS = "GpuHangs", Gpu, Error, AtOnce, WhenGone;
        is "A call about this GPU does not come back, so it is left out of the looks.",
        seen "an NVML call on it did not come back within 5 s (50 s while the driver has yet to start a GPU), and not for want of a processor",
        do "Drain the node; reset the GPU, and replace the instance when it hangs again.",
        by "gpu-monitoring-tools issue 46 and others: calls hang when a GPU or its GSP is sick";
    GPU_PROBE_CRASHED = "GpuProbeCrashed", Node, Warning, AtOnce, WhenGone;
        is "The NVIDIA library ended the probe that had loaded it.",
        seen "the probe ended by a signal or by itself",
        do "Report it with the lines around it in the journal; nothing is known about the GPUs until the next look.",
        by "gpunode";
    GPU_PROBE_GARBAGE = "GpuProbeGarbage", Node, Warning, AtOnce, WhenGone;
        is "The probe said what this version does not understand.",
        seen "a message of another version or form",
        do "Report it with the lines around it in the journal.",
        by "gpunode";
    GPU_PROBE_NOT_STARTED = "GpuProbeNotStarted", Node, Warning, Looks(2), WhenGone;
        is "The probe could not be started, so that little can be said of the GPUs.",
        seen "no memory file, process or socket for it, or it ended before its first word, in two looks in a row",
        do "Run as root; else read the message, which names the call that failed.",
        by "gpunode";
    LIBFABRIC_PROBE_FAILED = "LibfabricProbeFailed", Node, Warning, Looks(2), WhenGone;
        is "libfabric hung, or ended the probe that had loaded it.",
        seen "no answer before the deadline, or the probe ended, in two looks in a row",
        do "Read the message; where libfabric hung, look which RDMA device does not answer (`ibv_devinfo`).",
        by "gpunode";
}
