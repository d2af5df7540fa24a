//! What a GPU is doing, and under which limits.

use serde::{Deserialize, Serialize};

use crate::Reading;

/// Temperatures, in degrees Celsius.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Thermal {
    /// Of the GPU.
    pub gpu: Reading<i32>,
    /// Of its memory (HBM only).
    pub memory: Reading<i32>,
    /// Left until the slowdown (`nvmlDeviceGetMarginTemperature`, driver 570 and later); H100s may say 0 or less
    /// while nothing is wrong.
    pub margin: Reading<i32>,
    /// At which the GPU turns itself off.
    pub shutdown: Reading<i32>,
    /// At which the hardware slows the GPU down.
    pub slowdown: Reading<i32>,
    /// The highest for the memory.
    pub memory_max: Reading<i32>,
    /// The highest for the GPU.
    pub gpu_max: Reading<i32>,
}

/// Clocks, in MHz, and what holds them down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Clocks {
    /// Streaming multiprocessors, now.
    pub sm: Reading<u32>,
    /// Memory, now.
    pub memory: Reading<u32>,
    /// Streaming multiprocessors, highest.
    pub sm_max: Reading<u32>,
    /// Bits: 0x1 idle, 0x2 application clocks, 0x4 software power cap, 0x8 hardware slowdown, 0x10 sync boost,
    /// 0x20 software thermal, 0x40 hardware thermal, 0x80 hardware power brake, 0x100 display.
    pub event_reasons: Reading<u64>,
    /// How long it was held down since the driver loaded.
    pub throttled: Throttled,
}

/// Nanoseconds since the driver loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Throttled {
    /// By the software's thermal slowdown.
    pub software_thermal: Reading<u64>,
    /// By the hardware's.
    pub hardware_thermal: Reading<u64>,
    /// By the power brake.
    pub power_brake: Reading<u64>,
}

/// Power, in milliwatts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Power {
    /// Now.
    pub usage: Reading<u32>,
    /// The limit in force.
    pub limit: Reading<u32>,
    /// The factory's limit.
    pub default_limit: Reading<u32>,
}

/// Percent of the last sampling period (1/6 s to 1 s, by the GPU).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Utilisation {
    /// In which a kernel ran.
    pub gpu: u32,
    /// In which memory was read or written.
    pub memory: u32,
}

/// Bytes of frame buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// All.
    pub total: u64,
    /// Used.
    pub used: u64,
    /// Free.
    pub free: u64,
}

/// Multi-instance GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mig {
    /// On now.
    pub enabled: bool,
    /// On after the next reset.
    pub pending: bool,
    /// The instances.
    pub instances: Vec<MigInstance>,
}

/// One MIG device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigInstance {
    /// For example `MIG-…`.
    pub uuid: String,
    /// GPU instance id.
    pub gpu_instance: u32,
    /// Compute instance id.
    pub compute_instance: u32,
    /// Bytes of memory.
    pub memory_total: Option<u64>,
}

/// A process on a GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// In the probe's PID namespace.
    pub pid: u32,
    /// What it does there.
    pub kind: ProcessKind,
    /// Bytes; `None` where NVML does not know.
    pub memory: Option<u64>,
}

/// What a [`Process`] does on the GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProcessKind {
    /// CUDA.
    Compute,
    /// Graphics.
    Graphics,
    /// CUDA through the multi-process service.
    Mps,
}
