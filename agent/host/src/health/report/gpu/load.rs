//! Clocks and heat of a GPU.

use gpunode_probe_protocol::gpu as nvml;
use serde::Serialize;

use super::values::Values;

/// Clocks, in MHz, and what holds them down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Clocks {
    /// Streaming multiprocessors, now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sm: Option<u32>,
    /// Streaming multiprocessors, highest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sm_max: Option<u32>,
    /// Memory, now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// What holds them down now: `idle`, `application-clocks`, `software-power-cap`, `hardware-slowdown`, `sync-boost`, `software-thermal`, `hardware-thermal`, `power-brake`, `display`, or `bit-N` for one without a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_reasons: Option<Vec<String>>,
    /// How long they were held down.
    pub throttled: Throttled,
}

/// Nanoseconds since the driver loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Throttled {
    /// By the software's thermal slowdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_thermal: Option<u64>,
    /// By the hardware's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware_thermal: Option<u64>,
    /// By the power brake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_brake: Option<u64>,
}

/// Degrees Celsius.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TemperatureLimits {
    /// Left until the slowdown; an H100 may say 0 or less while nothing is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<i32>,
    /// At which the hardware slows the GPU down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowdown: Option<i32>,
    /// At which the GPU turns itself off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shutdown: Option<i32>,
    /// The highest for the GPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<i32>,
    /// The highest for its memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_max: Option<i32>,
}

/// Bits of `nvmlClocksEventReasons`, from the lowest.
const REASONS: [&str; 9] = [
    "idle",
    "application-clocks",
    "software-power-cap",
    "hardware-slowdown",
    "sync-boost",
    "software-thermal",
    "hardware-thermal",
    "power-brake",
    "display",
];

/// The bits that are set, in words.
fn reasons(bits: u64) -> Vec<String> {
    let word = |bit: usize| REASONS.get(bit).map_or_else(|| format!("bit-{bit}"), |&word| word.to_owned());
    (0..64).filter(|bit| bits >> bit & 1 == 1).map(word).collect()
}

pub(super) fn clocks(of: &mut Values, clocks: &nvml::Clocks) -> Clocks {
    let throttled = &clocks.throttled;
    Clocks {
        sm: of.value("clocks.sm", &clocks.sm),
        sm_max: of.value("clocks.smMax", &clocks.sm_max),
        memory: of.value("clocks.memory", &clocks.memory),
        event_reasons: of.value("clocks.eventReasons", &clocks.event_reasons).map(reasons),
        throttled: Throttled {
            software_thermal: of.value("clocks.throttled.softwareThermal", &throttled.software_thermal),
            hardware_thermal: of.value("clocks.throttled.hardwareThermal", &throttled.hardware_thermal),
            power_brake: of.value("clocks.throttled.powerBrake", &throttled.power_brake),
        },
    }
}

pub(super) fn limits(of: &mut Values, thermal: &nvml::Thermal) -> TemperatureLimits {
    TemperatureLimits {
        margin: of.value("temperatureLimits.margin", &thermal.margin),
        slowdown: of.value("temperatureLimits.slowdown", &thermal.slowdown),
        shutdown: of.value("temperatureLimits.shutdown", &thermal.shutdown),
        max: of.value("temperatureLimits.max", &thermal.gpu_max),
        memory_max: of.value("temperatureLimits.memoryMax", &thermal.memory_max),
    }
}
