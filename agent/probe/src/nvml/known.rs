//! What cannot change while the driver is loaded: asked once, and remembered.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::GspMode;
use nvml_wrapper_sys::bindings::field_id::NVML_FI_DEV_NVLINK_LINK_COUNT;
use nvml_wrapper_sys::bindings::{
    nvmlClockType_enum_NVML_CLOCK_SM as SM,
    nvmlTemperatureThresholds_enum_NVML_TEMPERATURE_THRESHOLD_GPU_MAX as GPU_MAX,
    nvmlTemperatureThresholds_enum_NVML_TEMPERATURE_THRESHOLD_MEM_MAX as MEMORY_MAX,
    nvmlTemperatureThresholds_enum_NVML_TEMPERATURE_THRESHOLD_SHUTDOWN as SHUTDOWN,
    nvmlTemperatureThresholds_enum_NVML_TEMPERATURE_THRESHOLD_SLOWDOWN as SLOWDOWN,
};

use super::call::{Ask, call, code, get};
use super::fields::Fields;
use super::text::text;

/// More links than any GPU has (18 up to Blackwell).
const MOST_LINKS: u32 = 36;

/// What an earlier look learned of a GPU. `NotAsked` and `Failed` are asked again.
#[derive(Clone, Default)]
pub(crate) struct Known {
    pub(crate) pci: Option<String>,
    pub(crate) uuid: Reading<String>,
    pub(crate) serial: Reading<String>,
    pub(crate) product: Reading<String>,
    pub(crate) architecture: Reading<u32>,
    pub(crate) vbios: Reading<String>,
    pub(crate) module_id: Reading<u32>,
    pub(crate) minor: Reading<u32>,
    pub(crate) gsp: Reading<String>,
    pub(crate) gsp_mode: Reading<GspMode>,
    pub(crate) shutdown: Reading<i32>,
    pub(crate) slowdown: Reading<i32>,
    pub(crate) memory_max: Reading<i32>,
    pub(crate) gpu_max: Reading<i32>,
    pub(crate) sm_max: Reading<u32>,
    pub(crate) width_max: Reading<u32>,
    pub(crate) generation_max: Reading<u32>,
    pub(crate) links: Reading<u32>,
}

/// Asks a function for a text: `get_text!(ask, nvmlDeviceGetUUID, 96)`; after the size what the call takes last.
macro_rules! get_text {
    ($ask:expr, $name:ident, $size:literal $(, $length:expr)?) => {{
        let mut buffer = [0; $size];
        let done = call!($ask, $name, $ask.device, buffer.as_mut_ptr() $(, $length)?);
        $ask.reading(stringify!($name), done.map(|()| text(&buffer)))
    }};
}

impl Known {
    /// Asks for what is not known yet.
    pub(crate) fn complete(&mut self, ask: &Ask<'_>) {
        once(&mut self.uuid, || get_text!(ask, nvmlDeviceGetUUID, 96, 96));
        once(&mut self.serial, || get_text!(ask, nvmlDeviceGetSerial, 32, 32));
        once(&mut self.product, || get_text!(ask, nvmlDeviceGetName, 96, 96));
        once(&mut self.architecture, || get!(ask, nvmlDeviceGetArchitecture, 0));
        once(&mut self.vbios, || get_text!(ask, nvmlDeviceGetVbiosVersion, 32, 32));
        once(&mut self.module_id, || get!(ask, nvmlDeviceGetModuleId, 0));
        once(&mut self.minor, || get!(ask, nvmlDeviceGetMinorNumber, 0));
        once(&mut self.gsp, || get_text!(ask, nvmlDeviceGetGspFirmwareVersion, 64));
        once(&mut self.gsp_mode, || gsp_mode(ask));
        once(&mut self.sm_max, || get!(ask, nvmlDeviceGetMaxClockInfo, 0, SM));
        once(&mut self.width_max, || get!(ask, nvmlDeviceGetMaxPcieLinkWidth, 0));
        once(&mut self.generation_max, || get!(ask, nvmlDeviceGetMaxPcieLinkGeneration, 0));
        once(&mut self.links, || links(ask));
        once(&mut self.shutdown, || threshold(ask, SHUTDOWN));
        once(&mut self.slowdown, || threshold(ask, SLOWDOWN));
        once(&mut self.memory_max, || threshold(ask, MEMORY_MAX));
        once(&mut self.gpu_max, || threshold(ask, GPU_MAX));
    }
}

fn once<T>(known: &mut Reading<T>, ask: impl FnOnce() -> Reading<T>) {
    if matches!(known, Reading::NotAsked | Reading::Failed(_)) {
        *known = ask();
    }
}

fn gsp_mode(ask: &Ask<'_>) -> Reading<GspMode> {
    let (mut enabled, mut by_default) = (0, 0);
    let done = call!(ask, nvmlDeviceGetGspFirmwareMode, ask.device, &raw mut enabled, &raw mut by_default);
    let mode = GspMode { enabled: enabled != 0, by_default: by_default != 0 };
    ask.reading("nvmlDeviceGetGspFirmwareMode", done.map(|()| mode))
}

fn threshold(ask: &Ask<'_>, which: u32) -> Reading<i32> {
    get!(ask, nvmlDeviceGetTemperatureThreshold, 0_u32, which).map(u32::cast_signed)
}

/// How many links the GPU has. Drivers that do not count them are asked for one after the other.
fn links(ask: &Ask<'_>) -> Reading<u32> {
    match Fields::one(ask, NVML_FI_DEV_NVLINK_LINK_COUNT).get(NVML_FI_DEV_NVLINK_LINK_COUNT) {
        Reading::Value(count) => Reading::Value(u32::try_from(count).unwrap_or(u32::MAX).min(MOST_LINKS)),
        Reading::NotSupported => {
            let mut state = 0;
            for link in 0..MOST_LINKS {
                match call!(ask, nvmlDeviceGetNvLinkState, ask.device, link, &raw mut state) {
                    Ok(()) => {}
                    Err(code::INVALID_ARGUMENT) => return Reading::Value(link),
                    Err(failure) => {
                        let first = ask.reading("nvmlDeviceGetNvLinkState", Err(failure));
                        return if link > 0 && first == Reading::NotSupported {
                            Reading::Value(link)
                        } else {
                            first
                        };
                    }
                }
            }
            Reading::Value(MOST_LINKS)
        }
        other => other.map(|_| 0),
    }
}
