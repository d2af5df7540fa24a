//! GPUs, NVSwitches and EFA: what their drivers write to the kernel log. The rows of the XIDs are made from their
//! table, see [`super::xid`].

use super::rules;
use super::seconds;
use crate::health::rule::Confirm::{AtOnce, Times};

rules! { ROWS:
    GPU_FELL_OFF_BUS = "GpuFellOffBus", Gpu, Error, AtOnce, Reboot;
        is "The driver says that the GPU has fallen off the bus.",
        seen "kernel line of NVRM, with or without an Xid 79",
        do "Stop and start the instance, or replace it; a restart of processes does not bring the GPU back.",
        by "NVIDIA Xid catalogue, Xid 79; newer drivers write the line without an Xid";
    GPU_INIT_FAILED = "GpuInitFailed", Gpu, Error, AtOnce, GpuReset;
        is "The driver could not bring the GPU up.",
        seen "kernel line `NVRM: GPU …: RmInitAdapter failed!`",
        do "Reset the GPU; when that fails, reboot, then replace the instance.",
        by "open-gpu-kernel-modules, nv.c";
    GPU_RECOVERY_UNKNOWN = "GpuRecoveryUnknown", Gpu, Warning, AtOnce, GpuReset;
        is "The driver asks for something that this version of gpunode does not know.",
        seen "a recovery action above 7 (Xid 154)",
        do "Read the words of the line, and update gpunode.",
        by "NVIDIA, Error Recovery and Response Flags";
    DRIVER_API_MISMATCH = "DriverApiMismatch", Node, Warning, AtOnce, WhenGone, for 3600 s;
        is "A program's NVIDIA library is of another version than the loaded kernel module.",
        seen "kernel line `NVRM: API mismatch`",
        do "Reboot after an update of the driver; else look which container brings a library of its own.",
        by "open-gpu-kernel-modules, nv.c";
    NVSWITCH_FATAL = "NvSwitchFatal", NvSwitch, Error, AtOnce, Reboot;
        is "An NVSwitch had a fatal error.",
        seen "kernel line `SXid` with the word Fatal, or of a code that the table has as always fatal",
        do "Drain the node and reboot it; when the same switch fails again, replace the instance.",
        by "NVIDIA Fabric Manager user guide, appendix D";
    NVSWITCH_UNDECIDED = "NvSwitchUndecided", NvSwitch, Warning, AtOnce, WhenGone, for 3600 s;
        is "An NVSwitch had an error that may be fatal, and its line does not say.",
        seen "kernel line `SXid` without the word Fatal or Non-fatal, of a code that may be either",
        do "See in the fabric manager's log and by the GPUs' NVLink state whether the link is up.",
        by "NVIDIA Fabric Manager user guide, appendix D";
    NVSWITCH_NONFATAL = "NvSwitchNonfatal", NvSwitch, Info, AtOnce, WhenGone, for 600 s;
        is "An NVSwitch had an error that it got over.",
        seen "kernel line `SXid` with the word Non-fatal",
        do "Nothing: the switch goes on.",
        by "NVIDIA Fabric Manager user guide, appendix D";
    GPU_FIRMWARE_TROUBLE = "GpuFirmwareTrouble", Node, Warning, Times(3, seconds(600)), WhenGone, for 3600 s;
        is "A GPU's GSP firmware does not answer the driver.",
        seen "three kernel lines of NVRM about GSP RPCs within 600 s",
        do "Expect Xid 119 or 120; reset the GPU.",
        by "open-gpu-kernel-modules issue 1045";
    UVM_FATAL = "UvmFatal", Node, Error, AtOnce, Reboot;
        is "The driver's memory manager had a fatal error that only a reboot takes away.",
        seen "kernel line `uvm encountered global fatal error`",
        do "Drain the node and reboot it.",
        by "nvidia-uvm, nvGpuOpsReportFatalError";
    EFA_GPU_MEMORY_REFUSED = "EfaGpuMemoryRefused", Node, Warning, AtOnce, WhenGone, for 3600 s;
        is "The NVIDIA driver refused a network card the GPU's memory: what wanted it takes a detour, NCCL over sockets.",
        seen "kernel line `NVRM: dma-buf attach failed: topology not supported`",
        do "On p6e, use NVIDIA driver 580 with `NVreg_GrdmaPciTopoCheckOverride=1`; see EfaTopologyCheck and EfaDriverPair.",
        by "NVIDIA/aicr issue 2383, and documentation of its validation on p6e";
    EFA_CARD_FAULT = "EfaCardFault", Efa, Error, AtOnce, DriverReload;
        is "The EFA driver says that the card does not work.",
        seen "kernel lines of efa: admin queue closed, no completion, device not ready, init failed, register read timed out",
        do "Drain the node and replace the instance; the driver does not recover the card by itself.",
        by "efa_com.c, efa_main.c";
    EFA_CARD_SUSPECT = "EfaCardSuspect", Efa, Warning, AtOnce, DriverReload, for 3600 s;
        is "The EFA driver says that something is odd with the card.",
        seen "kernel lines of efa: lost interrupt, unexpected completion, an event it does not know",
        do "Watch the interface; replace the instance when EfaCardFault or EfaAdminTimeout follows.",
        by "efa_com.c";
}
