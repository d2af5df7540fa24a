//! `/proc/driver/nvidia/gpus/<address>/information`: what the NVIDIA driver says about a GPU without NVML.

use serde::Serialize;

/// What the driver says. Source: `nv_procfs_read_gpu_info` in `nv-procfs.c`; lines are `Key: <tabs> value`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Information {
    /// For example `NVIDIA H100 80GB HBM3`. From the driver's own table, so it is there for a dead GPU too.
    pub model: Option<String>,
    /// `GPU-…`; `None` where the driver has not started the GPU since its load, and shows question marks.
    pub uuid: Option<String>,
    /// The number of its interrupt.
    pub irq: Option<u32>,
    /// For example `96.00.99.00.01`; `None` where the driver has not started the GPU.
    pub vbios: Option<String>,
    /// N of `/dev/nvidiaN`.
    pub minor: Option<u32>,
    /// The version of the firmware on the GPU's own system processor, where it runs.
    pub firmware: Option<String>,
    /// Whether the operator excluded the GPU from use (`NVreg_ExcludedGpus`).
    pub excluded: Option<bool>,
}

impl Information {
    /// Reads the text of the file; `None` where no line of it is known. The driver answers with an empty file when
    /// it cannot wake the GPU.
    pub fn parse(text: &str) -> Option<Self> {
        let mut information = Self::default();
        for (key, value) in lines(text) {
            let known = || (!value.is_empty() && !value.contains('?')).then(|| value.to_owned());
            match key {
                "Model" => information.model = known(),
                "GPU UUID" => information.uuid = known(),
                "IRQ" => information.irq = value.parse().ok(),
                "Video BIOS" => information.vbios = known(),
                "Device Minor" => information.minor = value.parse().ok(),
                "GPU Firmware" => information.firmware = known(),
                "GPU Excluded" | "GPU Blacklisted" => information.excluded = excluded(value),
                _ => {}
            }
        }
        (information != Self::default()).then_some(information)
    }
}

fn excluded(value: &str) -> Option<bool> {
    match value {
        "Yes" => Some(true),
        "No" => Some(false),
        _ => None,
    }
}

/// `key: value` lines.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key.trim(), value.trim()))
}
