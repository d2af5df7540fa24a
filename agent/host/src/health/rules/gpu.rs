//! GPUs: what NVML, the PCI bus and the driver's own files say.

use super::{rules, seconds};
use crate::health::rule::Confirm::{AtOnce, For, Looks};

rules! { ROWS:
    GPU_LOST = "GpuLost", Gpu, Error, AtOnce, Reboot;
        is "The driver has lost the GPU: it answers no call any more.",
        seen "an NVML call on it ends with NVML_ERROR_GPU_IS_LOST (15)",
        do "Stop and start the instance, or replace it; a restart of processes does not bring the GPU back.",
        by "NVML API reference, return values; NVIDIA Xid catalogue, Xid 79";
    GPU_UNREACHABLE = "GpuUnreachable", Gpu, Error, Looks(2), WhenGone;
        is "NVML counts the GPU but gives no access to it.",
        seen "no NVML handle for its index, or it is on the PCI bus with its driver and NVML does not list it, in two looks in a row",
        do "Reset the GPU; when that fails, reboot, then replace the instance.",
        by "NVML API reference, nvmlDeviceGetCount: GPUs that did not initialise are not counted";
    GPU_UNAVAILABLE = "GpuUnavailable", Gpu, Error, AtOnce, GpuReset;
        is "The driver has taken the GPU out of use.",
        seen "NVML event GPU unavailable (0x4000)",
        do "Reset the GPU; when that fails, reboot, then replace the instance.",
        by "NVML API reference, Event Types";
    GPU_RESET_REQUIRED = "GpuResetRequired", Gpu, Error, AtOnce, GpuReset;
        is "The driver says that the GPU must be reset before it is used again.",
        seen "recovery action 1 (NVML field 230 or Xid 154), or NVML_ERROR_RESET_REQUIRED (16)",
        do "End what runs on the GPU and reset it (`nvidia-smi --gpu-reset -i <PCI address>`).",
        by "NVIDIA, Error Recovery and Response Flags";
    GPU_REBOOT_REQUIRED = "GpuRebootRequired", Gpu, Error, AtOnce, Reboot;
        is "The driver says that the node must be rebooted.",
        seen "recovery action 2, 6 or 7 (NVML field 230 or Xid 154)",
        do "Drain the node and reboot it; replace the instance when it comes back.",
        by "NVIDIA, Error Recovery and Response Flags";
    GPU_DRAIN_REQUIRED = "GpuDrainRequired", Gpu, Error, AtOnce, GpuReset;
        is "The driver says that work on the GPU must come to its end, and then the GPU must be reset.",
        seen "recovery action 3 or 4 (NVML field 230 or Xid 154)",
        do "Start no new work on the GPU; reset it when it is idle.",
        by "NVIDIA, Error Recovery and Response Flags";
    GPU_IMEX_RECOVERY = "GpuImexRecovery", Gpu, Warning, AtOnce, WhenGone;
        is "The driver says that the IMEX domain must recover.",
        seen "recovery action 5 (NVML field 230 or Xid 154)",
        do "Look at nvidia-imex on the nodes of the domain.",
        by "NVML API reference, nvmlDeviceGpuRecoveryAction_t";
    GPU_READ_FAILS = "GpuReadFails", Gpu, Warning, Looks(3), WhenGone;
        is "NVML cannot read some values of the GPU, and not because it lacks them.",
        seen "the same NVML call ends with another error than not supported, lost or reset required, in three looks in a row",
        do "Look at the kernel log for NVRM lines; nothing is known about these values.",
        by "NVML API reference, return values; one failed read of a working GPU is no fault";
    GPU_ECC_UNCORRECTED = "GpuEccUncorrected", Gpu, Warning, AtOnce, GpuReset;
        is "Memory errors that could not be corrected have happened since the driver loaded.",
        seen "the volatile count of uncorrected ECC errors is above 0",
        do "Expect the hit processes to have ended; reset the GPU at the next chance so that rows are remapped.",
        by "NVIDIA GPU Memory Error Management; whether the GPU may go on working is said by the XID and the recovery action";
    GPU_SRAM_THRESHOLD = "GpuSramThreshold", Gpu, Error, AtOnce, Replace;
        is "The GPU has had so many uncorrectable SRAM errors that NVIDIA replaces it.",
        seen "nvmlDeviceGetSramEccErrorStatus: bThresholdExceeded",
        do "Replace the instance.",
        by "NVML API reference, nvmlEccSramErrorStatus_v1_t";
    GPU_REMAP_PENDING = "GpuRemapPending", Gpu, Warning, AtOnce, GpuReset;
        is "A memory row waits to be remapped.",
        seen "nvmlDeviceGetRemappedRows: isPending",
        do "Reset the GPU when its work has ended; what runs may go on until then.",
        by "NVIDIA, Error Recovery and Response Flags: a pending remap alone is no outage";
    GPU_REMAP_FAILED = "GpuRemapFailed", Gpu, Error, AtOnce, Replace;
        is "A memory row could not be remapped: there is no spare row left for it.",
        seen "nvmlDeviceGetRemappedRows: failureOccurred",
        do "Replace the instance.",
        by "NVIDIA GPU Memory Error Management";
    GPU_PAGES_PENDING = "GpuPagesPending", Gpu, Warning, AtOnce, Reboot;
        is "Memory pages wait to be retired.",
        seen "nvmlDeviceGetRetiredPagesPendingStatus (GPUs before Ampere)",
        do "Reboot when the work has ended.",
        by "NVIDIA Dynamic Page Retirement";
    GPU_PAGES_MANY = "GpuPagesMany", Gpu, Error, AtOnce, Replace;
        is "So many memory pages are retired that the GPU fails NVIDIA's own diagnostics.",
        seen "63 or more retired pages (GPUs before Ampere)",
        do "Replace the instance.",
        by "DCGM, dcgm_gpu_hardware_limits: DCGM_LIMIT_MAX_RETIRED_PAGES";
    GPU_ECC_OFF = "GpuEccOff", Gpu, Warning, AtOnce, Reboot;
        is "Error correction is off on a GPU that has it on when it is delivered.",
        seen "ECC mode off on a GPU with HBM",
        do "Turn it on (`nvidia-smi --ecc-config=1`) and reboot.",
        by "NVML API reference, nvmlDeviceGetEccMode";
    NVLINK_DOWN = "NvlinkDown", Gpu, Error, Looks(2), GpuReset;
        is "NVLinks of the GPU are down.",
        seen "fewer links active than on the other GPUs of the machine, in two looks in a row, MIG off",
        do "Reset the GPU; replace the instance when links stay down or fail again.",
        by "NVML API reference, nvmlDeviceGetNvLinkState";
    NVLINK_ERRORS = "NvlinkErrors", Gpu, Warning, AtOnce, WhenGone, for 600 s;
        is "NVLinks of the GPU have errors.",
        seen "a replay, a recovery or a failed recovery since the look before, or 100 CRC errors a second on a link",
        do "Watch for Xid 74 or 144 to 150; replace the instance when it keeps on.",
        by "DCGM, dcgm_gpu_hardware_limits: DCGM_LIMIT_MAX_NVLINK_ERROR 1, DCGM_LIMIT_MAX_NVLINK_CRC_ERROR 100 a second";
    GPU_HARDWARE_SLOWDOWN = "GpuHardwareSlowdown", Gpu, Warning, For(seconds(20)), WhenGone, for 60 s;
        is "The hardware holds the GPU's clocks down, because of heat or power.",
        seen "clock event reason 0x8, 0x40 or 0x80 in every look for 20 s",
        do "Replace the instance when it comes back under normal load.",
        by "NVML API reference, nvmlClocksEventReasons; the span is our choice";
    GPU_TOO_HOT = "GpuTooHot", Gpu, Warning, Looks(2), WhenGone, for 60 s;
        is "The GPU or its memory is hotter than it may be.",
        seen "temperature at or above the GPU's own slowdown or memory limit, in two looks in a row",
        do "Replace the instance when it comes back under normal load.",
        by "NVML API reference, nvmlDeviceGetTemperatureThreshold";
    GPU_FABRIC_FAILED = "GpuFabricFailed", Gpu, Error, Looks(2), WhenGone;
        is "The GPU could not join the NVLink fabric, or the fabric is impaired.",
        seen "fabric state completed with a status other than success, or a fault in the fabric health mask or summary, in two looks in a row",
        do "Look at the fabric manager's log (`journalctl -u nvidia-fabricmanager`); restart it when the node is idle, else replace the instance.",
        by "NVML API reference, nvmlGpuFabricInfoV_t, Fabric definitions";
    GPU_FABRIC_NOT_READY = "GpuFabricNotReady", Gpu, Error, For(seconds(180)), WhenGone;
        is "The GPU has not joined the NVLink fabric.",
        seen "fabric state not started or in progress in every look for 180 s, on a type with NVSwitches of its own",
        do "Start the fabric manager (`systemctl start nvidia-fabricmanager`) of the driver's exact version.",
        by "NVIDIA Fabric Manager user guide; the span is our choice";
    GPU_PCIE_WIDTH = "GpuPcieWidth", Gpu, Warning, Looks(3), WhenGone;
        is "The GPU's PCIe link has fewer lanes than those of the other GPUs of this machine.",
        seen "current_link_width below max_link_width and below that of another GPU, in three looks in a row",
        do "Replace the instance when transfers are slow.",
        by "Linux PCI sysfs ABI; some boards are wired to fewer lanes than they can have, so only GPUs of one machine compare";
    GPU_PCIE_GENERATION = "GpuPcieGeneration", Gpu, Warning, For(seconds(60)), WhenGone;
        is "The GPU's PCIe link is slower than those of the other GPUs of this machine, under load.",
        seen "current PCIe generation below that of another busy GPU in every look for 60 s, in performance state 0 and with the GPU busy",
        do "Replace the instance when transfers are slow.",
        by "NVML API reference, nvmlDeviceGetCurrPcieLinkGeneration; idle links fall to generation 1 by design";
    GPU_PCIE_REPLAYS = "GpuPcieReplays", Gpu, Warning, AtOnce, WhenGone, for 600 s;
        is "The GPU's PCIe link repeats many packets.",
        seen "more than 8 replays a minute",
        do "Replace the instance when it keeps on.",
        by "DCGM, dcgm_gpu_hardware_limits: DCGM_LIMIT_MAX_PCIREPLAY_RATE";
    GPU_PCIE_FATAL = "GpuPcieFatal", Gpu, Error, AtOnce, Reboot, for 3600 s;
        is "The GPU counted a fatal PCIe error.",
        seen "NVML field 180 grew since the look before",
        do "Drain the node; replace the instance when it happens again.",
        by "NVML API reference, field values";
    GPU_MIG_PENDING = "GpuMigPending", Gpu, Info, AtOnce, GpuReset;
        is "The GPU's MIG mode changes at its next reset.",
        seen "current and pending MIG mode differ",
        do "Reset the GPU when it is idle.",
        by "NVML API reference, nvmlDeviceGetMigMode";
    GPU_PERSISTENCE_OFF = "GpuPersistenceOff", Gpu, Info, Looks(3), WhenGone;
        is "The driver lets go of the GPU whenever nobody uses it, so that each start costs seconds.",
        seen "persistence mode off in three looks in a row",
        do "Run nvidia-persistenced.",
        by "NVIDIA driver persistence documentation";
    GPU_OFF_BUS = "GpuOffBus", Gpu, Error, Looks(2), Reboot;
        is "The GPU does not answer on the PCI bus.",
        seen "its PCI configuration space reads as all ones, in two looks in a row",
        do "Stop and start the instance, or replace it.",
        by "PCI Local Bus specification: reads that nobody answers give all ones";
    GPU_MISSING = "GpuMissing", Node, Error, Looks(2), Replace;
        is "Fewer GPUs are on the PCI bus than the instance type has.",
        seen "fewer NVIDIA display or 3D controllers in /sys/bus/pci/devices than in the catalogue, in two looks in a row",
        do "Replace the instance; a GPU that has fallen off the bus does not come back.",
        by "EC2 DescribeInstanceTypes";
    GPU_NOT_BOUND = "GpuNotBound", Gpu, Error, Looks(2), Reboot;
        is "A GPU is on the PCI bus, but the NVIDIA driver does not drive it.",
        seen "no driver, or another one than nvidia or vfio-pci, while the nvidia module is loaded, in two looks in a row",
        do "Read the kernel log for lines with NVRM; reboot once, then replace the instance.",
        by "Linux PCI sysfs ABI";
    GPU_STUCK_IN_LOW_POWER = "GpuStuckInLowPower", Gpu, Warning, Looks(3), WhenGone;
        is "The GPU does not leave its low-power state.",
        seen "power_state D3hot or D3cold while runtime_status says active, in three looks in a row",
        do "Reboot; replace the instance when it comes back.",
        by "Linux PCI sysfs ABI";
}
