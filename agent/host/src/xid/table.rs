//! Every code of NVIDIA's Xid catalogue, in one table.
//!
//! `condemns` is said only where the catalogue's immediate action is a reset, a restart or a replacement. The catalogue
//! leaves the action of 162 to 172 blank; they are reported and condemn nothing, since the driver says by Xid 154 what
//! it needs.

use super::{Action, Class, Xid};
use crate::finding::Clears;

/// NVIDIA's Xid catalogue, with its immediate actions.
const CATALOGUE: &str = "NVIDIA Xid catalogue";
/// Codes that came with later drivers; the catalogue has no action for them.
const LATER: &str = "NVIDIA Xid catalogue (no action given), XID Errors r590";
/// The driver's release notes.
const R620: &str = "NVIDIA driver R620 release notes";

const APPLICATION: &str =
    "Look for the fault in the program that the line names, and start it again; the GPU is well.";
const ONE_PROGRAM: &str = "Start the program that the line names again; when other programs fail on the same GPU too, contact support.";
const PROGRAM_OR_GPU: &str = "Look for the fault in the program that the line names; when different programs fail on this one GPU, run its diagnostics.";
const PROGRAM_OR_BUS: &str =
    "Start the program again; when different programs fail on this one GPU, look at its PCI Express errors.";
const NOTHING_BUT_REPEATS: &str = "Nothing; when it repeats, update the driver or contact support.";
const NOTHING_BUT_SUPPORT: &str = "Nothing; when it repeats, contact support.";
const CLEANUP: &str =
    "Nothing: look at the error before it; when there is none and it repeats, restart the fabric manager.";
const RESET: &str = "Drain the node and reset the GPU, or reboot; when it comes back, replace the instance.";
const ECC: &str = "Drain the node and reset the GPU, or reboot; replace the instance when rows cannot be remapped or it comes back.";
const POWER: &str = "Replace the instance: the board does not get the power that it needs.";
const SUPPORT: &str =
    "Collect nvidia-bug-report.sh and contact support; drain the node when programs fail on the GPU.";
const REMAP: &str = "Nothing at once: a pending remap takes effect at the next reset of the GPU.";
const REMAP_FAILED: &str =
    "Drain the node and replace the instance: the GPU has no spare rows for this memory.";
const NVLINK: &str =
    "Drain the node and reset all GPUs, or reboot; when the same link fails again, replace the instance.";
const NVLINK5: &str =
    "See whether the GPU's links are up and whether an Xid 154 follows, which says what the driver needs.";
const VGPU: &str = "Bring the driver of the host and that of the guest to versions that belong together.";
const LOST: &str = "Drain the node and replace the instance (or stop and start it): the GPU does not come back without a power cycle.";
const TREND: &str =
    "Nothing at once; watch the GPU's ECC counters and contact support when they go on rising.";
const WEAR: &str = "Nothing; contact support when the GPU forgets its settings.";
const CONTAINED: &str =
    "Start the program again: the error stopped only it; reset the GPU when a remap is pending.";
const GSP: &str =
    "Drain the node and reset the GPU; often only a reboot helps, sometimes only another instance.";
const C2C: &str = "Nothing at once: the error was corrected; reset the GPU at the next opportunity.";
const REBOOT: &str = "Drain the node and reboot it.";
const NOTHING: &str = "Nothing: it is information.";
const VERDICT: &str = "Do what the line says: it is the driver's own verdict.";
const UVM: &str =
    "Look at how the program uses unified memory; contact support when no other error explains it.";
const PLAN: &str = "Plan to replace the hardware.";
const NEW: &str = "See whether the GPU works and whether an Xid 154 follows; contact support when programs fail on the GPU.";
const WPR: &str = "Reboot the node and see whether the GPU has all its memory again.";
const DETAIL: &str = "See the Xid 48 that it belongs to.";

macro_rules! table {
    ($($code:literal $mnemonic:ident $class:ident $action:ident $condemns:literal $clears:ident $advice:ident $source:ident
        $meaning:literal;)+) => {
        /// Every code, in order.
        pub const TABLE: &[Xid] = &[$(Xid {
            code: $code,
            mnemonic: stringify!($mnemonic),
            meaning: $meaning,
            class: Class::$class,
            action: Action::$action,
            condemns: $condemns,
            clears: Clears::$clears,
            advice: $advice,
            source: $source,
        },)+];
    };
}

// Code, mnemonic, class, immediate action, condemns, cleared by, advice, source; then the meaning.
table! {
    8 FIFO_ERROR_IDLE_TIMEOUT Hardware RestartApp false WhenGone ONE_PROGRAM CATALOGUE
        "GPU stopped processing";
    9 GR_ERROR_INSTANCE Driver ContactSupport false Reboot SUPPORT CATALOGUE
        "Driver error of a graphics instance (unused today)";
    11 GR_ERROR_MISSING_HW Application RestartApp false WhenGone APPLICATION CATALOGUE
        "Invalid or corrupted push buffer stream";
    13 GR_EXCEPTION Application RestartApp false WhenGone PROGRAM_OR_GPU CATALOGUE
        "Graphics engine exception";
    25 GR_ILLEGAL_NOTIFY Application RestartApp false WhenGone APPLICATION CATALOGUE
        "Invalid or illegal push buffer stream";
    31 FIFO_ERROR_MMU_ERR_FLT Application RestartApp false WhenGone PROGRAM_OR_GPU CATALOGUE
        "GPU memory page fault";
    32 PBDMA_ERROR Application RestartApp false WhenGone PROGRAM_OR_BUS CATALOGUE
        "Invalid or corrupted push buffer stream";
    37 FECS_ERR_UNIMP_FIRMWARE_METHOD Driver None false WhenGone NOTHING_BUT_REPEATS CATALOGUE
        "Driver firmware error";
    38 FECS_ERR_WATCHDOG_TIMEOUT Driver None false WhenGone NOTHING_BUT_REPEATS CATALOGUE
        "Driver firmware error";
    39 CE0_ERROR Hardware RestartApp false WhenGone ONE_PROGRAM CATALOGUE
        "Copy engine exception";
    43 RESETCHANNEL_VERIF_ERROR Application None false WhenGone APPLICATION CATALOGUE
        "GPU stopped processing for one program";
    44 GR_FAULT_DURING_CTXSW Driver None false WhenGone NOTHING_BUT_REPEATS CATALOGUE
        "Graphics engine fault during a context switch";
    45 PREEMPTIVE_REMOVAL Cleanup None false WhenGone CLEANUP CATALOGUE
        "Clean-up of a program after an earlier error";
    46 GPU_TIMEOUT_ERROR Hardware ResetGpu true GpuReset RESET CATALOGUE
        "GPU stopped processing";
    48 GPU_ECC_DBE Hardware ResetGpu true GpuReset ECC CATALOGUE
        "Double-bit ECC error";
    54 SILENT_RUNNING_PWR_REDUCED_CLOCKING Hardware Replace true Replace POWER CATALOGUE
        "Auxiliary power is not connected to the board";
    60 SEC2_ERROR Application RestartApp false WhenGone APPLICATION CATALOGUE
        "Video processor exception";
    61 PMU_BREAKPOINT Hardware ContactSupport false GpuReset SUPPORT CATALOGUE
        "Internal micro-controller breakpoint (unused today)";
    62 PMU_HALT_ERROR Hardware ResetGpu true GpuReset RESET CATALOGUE
        "Internal micro-controller halt";
    63 INFOROM_DRAM_RETIREMENT_EVENT Hardware None false GpuReset REMAP CATALOGUE
        "Memory row remapped, or page retired";
    64 INFOROM_DRAM_RETIREMENT_FAILURE Hardware ResetGpu true Replace REMAP_FAILED CATALOGUE
        "Memory row could not be remapped";
    65 NVENC1_ERROR Hardware ContactSupport false WhenGone SUPPORT CATALOGUE
        "Video encoder error";
    66 FECS_ERR_REG_ACCESS_VIOLATION Driver None false WhenGone NOTHING_BUT_REPEATS CATALOGUE
        "Illegal access by the driver";
    67 FECS_ERR_VERIF_VIOLATION Driver None false WhenGone NOTHING_BUT_REPEATS CATALOGUE
        "Illegal access by the driver";
    68 NVDEC0_ERROR Application RestartApp false WhenGone APPLICATION CATALOGUE
        "Video decoder exception";
    69 GR_CLASS_ERROR Application RestartApp false WhenGone APPLICATION CATALOGUE
        "Graphics engine class error";
    74 NVLINK_ERROR Fabric ResetGpu true GpuReset NVLINK CATALOGUE
        "NVLink error";
    78 VGPU_START_ERROR Driver UpdateSoftware false WhenGone VGPU CATALOGUE
        "vGPU start error";
    79 GPU_HAS_FALLEN_OFF_THE_BUS Hardware Replace true Replace LOST CATALOGUE
        "GPU has fallen off the bus";
    80 PBDMA_PUSHBUFFER_CRC_MISMATCH Application RestartApp false WhenGone PROGRAM_OR_BUS CATALOGUE
        "Corrupted data sent to the GPU";
    92 EXCESSIVE_SBE_INTERRUPTS Hardware None false WhenGone TREND CATALOGUE
        "High rate of single-bit ECC errors";
    93 INFOROM_ERASE_LIMIT_EXCEEDED Information None false WhenGone WEAR CATALOGUE
        "The InfoROM was written more often than it was made for";
    94 CONTAINED_ERROR Hardware RestartApp false GpuReset CONTAINED CATALOGUE
        "Memory error contained in one program";
    95 UNCONTAINED_ERROR Hardware ResetGpu true GpuReset ECC CATALOGUE
        "Memory error that was not contained";
    109 CTXSW_TIMEOUT_ERROR Hardware ResetGpu true GpuReset RESET CATALOGUE
        "Context switch timeout";
    110 SEC_FAULT_ERROR Hardware ResetGpu true GpuReset RESET CATALOGUE
        "Security fault";
    119 GSP_RPC_TIMEOUT Driver ResetGpu true GpuReset GSP CATALOGUE
        "GPU system processor does not answer";
    120 GSP_ERROR Driver ResetGpu true GpuReset GSP CATALOGUE
        "GPU system processor error";
    121 C2C_ERROR Hardware None false GpuReset C2C CATALOGUE
        "Corrected error of the chip-to-chip link";
    122 SPI_PMU_RPC_READ_FAIL Hardware ContactSupport false WhenGone SUPPORT CATALOGUE
        "InfoROM could not be read (unused today)";
    123 SPI_PMU_RPC_WRITE_FAIL Hardware ContactSupport false WhenGone SUPPORT CATALOGUE
        "InfoROM could not be written (unused today)";
    124 SPI_PMU_RPC_ERASE_FAIL Hardware ContactSupport false WhenGone SUPPORT CATALOGUE
        "InfoROM could not be erased (unused today)";
    125 INFOROM_FS_ERROR Hardware ContactSupport false WhenGone SUPPORT CATALOGUE
        "InfoROM file system error (unused today)";
    126 CE10_ERROR Hardware RestartApp false WhenGone ONE_PROGRAM CATALOGUE
        "Copy engine exception";
    136 ALI_TRAINING_FAIL Fabric ResetGpu true GpuReset NVLINK CATALOGUE
        "NVLink training failed";
    137 NVLINK_PRIV_ERR Application None false WhenGone APPLICATION CATALOGUE
        "Illegal access over NVLink by a program";
    140 UNRECOVERABLE_ECC_ERROR_ESCAPE Hardware ResetGpu true GpuReset ECC CATALOGUE
        "ECC error that could not be recovered";
    141 FAST_PATH_ERROR Driver None false WhenGone NOTHING_BUT_REPEATS CATALOGUE
        "CUDA fast path error";
    142 NVENC3_ERROR Hardware ContactSupport false WhenGone SUPPORT CATALOGUE
        "Video encoder error";
    143 GPU_INIT_ERROR Hardware ResetGpu true GpuReset RESET CATALOGUE
        "GPU could not be brought up";
    144 NVLINK_SAW_ERROR Fabric CheckFabric false GpuReset NVLINK5 CATALOGUE
        "NVLink 5: SAW unit";
    145 NVLINK_RLW_ERROR Fabric CheckFabric false GpuReset NVLINK5 CATALOGUE
        "NVLink 5: RLW unit";
    146 NVLINK_TLW_ERROR Fabric CheckFabric false GpuReset NVLINK5 CATALOGUE
        "NVLink 5: TLW unit";
    147 NVLINK_TREX_ERROR Fabric CheckFabric false GpuReset NVLINK5 CATALOGUE
        "NVLink 5: TREX unit";
    148 NVLINK_NVLPW_CTRL_ERROR Fabric CheckFabric false GpuReset NVLINK5 CATALOGUE
        "NVLink 5: NVLPW control unit";
    149 NVLINK_NETIR_ERROR Fabric CheckFabric false GpuReset NVLINK5 CATALOGUE
        "NVLink 5: NETIR unit, most often a link down";
    150 NVLINK_MSE_ERROR Fabric CheckFabric false GpuReset NVLINK5 CATALOGUE
        "NVLink 5: MSE firmware";
    151 KEY_ROTATION_ERROR Driver RebootNode true Reboot REBOOT CATALOGUE
        "Key rotation of confidential computing failed";
    152 DLA_SMMU_ERROR Information None false WhenGone NOTHING CATALOGUE
        "Deep learning accelerator: memory error";
    153 DLA_TIMEOUT Information None false WhenGone NOTHING CATALOGUE
        "Deep learning accelerator: timeout";
    154 GPU_RECOVERY_ACTION_CHANGED Meta None false WhenGone VERDICT CATALOGUE
        "The driver says what the GPU needs";
    155 NVLINK_SW_DEFINED_ERROR Fabric ResetGpu true GpuReset NVLINK CATALOGUE
        "NVLink error that the driver defines";
    156 RESOURCE_RETIREMENT_EVENT Hardware ResetGpu true GpuReset RESET CATALOGUE
        "A part of the GPU was taken out of use";
    157 RESOURCE_RETIREMENT_FAILURE Hardware None false WhenGone NOTHING_BUT_SUPPORT CATALOGUE
        "A part of the GPU could not be taken out of use";
    158 GPU_FATAL_TIMEOUT Hardware ResetGpu true GpuReset RESET CATALOGUE
        "Fatal timeout";
    159 CHI_NON_DATA_ERROR Driver None false WhenGone UVM CATALOGUE
        "Chip-to-chip access without data failed";
    160 CHANNEL_RETIREMENT_EVENT Driver None false WhenGone NOTHING_BUT_SUPPORT CATALOGUE
        "A channel was taken out of use";
    161 CHANNEL_RETIREMENT_FAILURE Driver None false WhenGone NOTHING_BUT_SUPPORT CATALOGUE
        "A channel could not be taken out of use";
    162 PSHC_REENGAGED Information None false WhenGone NOTHING LATER
        "Power smoothing is on again";
    163 PSHC_DISENGAGED Information None false WhenGone NOTHING LATER
        "Power smoothing is off";
    164 PSHC_LOW_LIFETIME Information None false WhenGone PLAN LATER
        "Power smoothing hardware is near the end of its life";
    165 PSHC_ZERO_LIFETIME Information None false WhenGone PLAN LATER
        "Power smoothing hardware is at the end of its life";
    166 NVLINK_SECURE_CRYPTO_ERR Fabric ContactSupport false GpuReset NEW LATER
        "Encrypted NVLink traffic before the link was ready";
    167 PCIE_FATAL_TIMEOUT Hardware ContactSupport false GpuReset NEW LATER
        "Fatal timeout on PCI Express";
    168 REDUCED_GPU_MEMORY_CAPACITY Hardware RebootNode false Reboot WPR LATER
        "Errors in protected memory: less memory than the GPU should have";
    169 SEC2_HALT_ERROR Hardware ContactSupport false GpuReset NEW LATER
        "Internal micro-controller halt (SEC2)";
    170 NVLINK_SECURE_OTHER Fabric ContactSupport false WhenGone NEW LATER
        "NVLink interrupt in confidential computing";
    171 UNCORRECTABLE_DRAM_ERROR Hardware None false GpuReset DETAIL LATER
        "Details of an Xid 48: device memory";
    172 UNCORRECTABLE_SRAM_ERROR Hardware None false GpuReset DETAIL LATER
        "Details of an Xid 48: on-chip memory";
    185 SPARING_EVENT Information None false WhenGone NOTHING R620
        "A spare part of the GPU was put to use";
}
