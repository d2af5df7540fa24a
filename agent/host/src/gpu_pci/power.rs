//! Power states.

use serde::Serialize;

use crate::Dir;

/// What the kernel remembers of a function's power; no file of these asks the device. Source: `pci-sysfs.c`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Power {
    /// `D0` (on) to `D3hot`, `D3cold`, `unknown`, or `error`. A GPU that is in use is in D0; one stuck in D3 cannot be
    /// reached.
    pub state: Option<String>,
    /// The kernel's runtime power management: `active`, `suspended`, `suspending`, `resuming`, `error`.
    pub runtime_status: Option<String>,
}

impl Power {
    pub(super) fn read(function: &Dir<'_>) -> Self {
        Self { state: function.value("power_state"), runtime_status: function.value("power/runtime_status") }
    }
}

/// `/proc/driver/nvidia/gpus/<address>/power`: the NVIDIA driver's view. Source: `nv-procfs.c`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DriverPower {
    /// For example `Disabled by default` or `Not supported`.
    pub runtime_d3: Option<String>,
    /// `Active`, `Off` or `Self Refresh`.
    pub video_memory: Option<String>,
}

impl DriverPower {
    /// Reads the text of the file; `None` where no line of it is known.
    pub fn parse(text: &str) -> Option<Self> {
        let mut power = Self::default();
        for (key, value) in super::information::lines(text) {
            match key {
                "Runtime D3 status" => power.runtime_d3 = Some(value.to_owned()),
                "Video Memory" => power.video_memory = Some(value.to_owned()),
                _ => {}
            }
        }
        (power != Self::default()).then_some(power)
    }
}
