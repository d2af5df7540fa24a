//! Structs, most of which carry a version.

use std::ffi::{c_int, c_uint};

use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlEccSramErrorStatus_t, nvmlGpuFabricInfo_t, nvmlGpuFabricInfo_v2_t,
    nvmlGpuFabricInfoV_t, nvmlMarginTemperature_t, nvmlMemory_t, nvmlMemory_v2_t, nvmlTemperature_t,
};

use super::code;
use crate::gate::{NOT_SUPPORTED, about, ask, mig_device, or_unsupported};
use crate::scenario::Fabric;

const VERSION_MISMATCH: u32 = 25;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMarginTemperature(
    device: nvmlDevice_t,
    out: *mut nvmlMarginTemperature_t,
) -> c_uint {
    // SAFETY: as this function; the version is in the place for the answer.
    let version = unsafe { (*out).version };
    // SAFETY: as this function.
    unsafe {
        ask("nvmlDeviceGetMarginTemperature", device, out, |gpu| {
            expect::<nvmlMarginTemperature_t>(version, 1)?;
            let marginTemperature: c_int = or_unsupported(gpu.margin)?;
            Ok(nvmlMarginTemperature_t { version, marginTemperature })
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetTemperatureV(
    device: nvmlDevice_t,
    out: *mut nvmlTemperature_t,
) -> c_uint {
    // SAFETY: as this function; what is asked for is in the place for the answer.
    let (version, sensor) = unsafe { ((*out).version, (*out).sensorType) };
    // SAFETY: as this function.
    unsafe {
        ask("nvmlDeviceGetTemperatureV", device, out, |gpu| {
            expect::<nvmlTemperature_t>(version, 1)?;
            let temperature = or_unsupported(gpu.temperature)?.cast_signed();
            Ok(nvmlTemperature_t { version, sensorType: sensor, temperature })
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMemoryInfo_v2(
    device: nvmlDevice_t,
    out: *mut nvmlMemory_v2_t,
) -> c_uint {
    // SAFETY: as this function; the version is in the place for the answer.
    let version = unsafe { (*out).version };
    // SAFETY: as this function.
    unsafe {
        ask("nvmlDeviceGetMemoryInfo_v2", device, out, |gpu| {
            expect::<nvmlMemory_v2_t>(version, 2)?;
            let [total, reserved, used] = or_unsupported(gpu.memory)?;
            Ok(nvmlMemory_v2_t { version, total, reserved, free: total - reserved - used, used })
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMemoryInfo(device: nvmlDevice_t, out: *mut nvmlMemory_t) -> c_uint {
    // SAFETY: as this function.
    unsafe {
        ask("nvmlDeviceGetMemoryInfo", device, out, |gpu| {
            if let Some(instance) = mig_device(gpu, device) {
                return Ok(nvmlMemory_t { total: instance.memory, free: instance.memory, used: 0 });
            }
            let [total, reserved, used] = or_unsupported(gpu.memory)?;
            Ok(nvmlMemory_t { total, free: total - reserved - used, used: reserved + used })
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetSramEccErrorStatus(
    device: nvmlDevice_t,
    out: *mut nvmlEccSramErrorStatus_t,
) -> c_uint {
    // SAFETY: as this function; the version is in the place for the answer.
    let version = unsafe { (*out).version };
    // SAFETY: as this function.
    unsafe {
        ask("nvmlDeviceGetSramEccErrorStatus", device, out, |gpu| {
            expect::<nvmlEccSramErrorStatus_t>(version, 1)?;
            let sram = or_unsupported(gpu.sram.as_ref())?;
            // SAFETY: numbers, for which zeros are valid.
            let mut status: nvmlEccSramErrorStatus_t = std::mem::zeroed();
            status.version = version;
            [status.volatileCor, status.volatileUncParity, status.volatileUncSecDed] = sram.volatile;
            [status.aggregateCor, status.aggregateUncParity, status.aggregateUncSecDed] = sram.aggregate;
            status.bThresholdExceeded = sram.threshold_exceeded.into();
            Ok(status)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetGpuFabricInfoV(
    device: nvmlDevice_t,
    out: *mut nvmlGpuFabricInfoV_t,
) -> c_uint {
    code(about("nvmlDeviceGetGpuFabricInfoV", device, |gpu| {
        let fabric = or_unsupported(gpu.fabric.as_ref())?;
        // SAFETY: the version is in the place for the answer.
        let version = unsafe { (*out).version };
        let third = expect::<nvmlGpuFabricInfoV_t>(version, 3).is_ok() && fabric.version >= 3;
        let second = expect::<nvmlGpuFabricInfo_v2_t>(version, 2).is_ok() && fabric.version >= 2;
        if !third && !second {
            return Err(if fabric.version < 2 { NOT_SUPPORTED } else { VERSION_MISMATCH });
        }
        // SAFETY: the version says that there is room for these, and with the third for the summary too.
        unsafe {
            (*out).clusterUuid = fabric.cluster;
            (*out).status = fabric.status;
            (*out).cliqueId = fabric.clique;
            (*out).state = fabric.state;
            (*out).healthMask = fabric.health_mask;
            if third {
                (*out).healthSummary = fabric.health_summary;
            }
        }
        Ok(())
    }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetGpuFabricInfo(
    device: nvmlDevice_t,
    out: *mut nvmlGpuFabricInfo_t,
) -> c_uint {
    // SAFETY: as this function.
    unsafe {
        ask("nvmlDeviceGetGpuFabricInfo", device, out, |gpu| {
            let Fabric { cluster, status, clique, state, .. } = *or_unsupported(gpu.fabric.as_ref())?;
            Ok(nvmlGpuFabricInfo_t { clusterUuid: cluster, status, cliqueId: clique, state })
        })
    }
}

/// A struct must say its size and version, as `NVML_STRUCT_VERSION` does.
fn expect<T>(version: c_uint, number: c_uint) -> Result<(), u32> {
    let right = size_of::<T>() as c_uint | number << 24;
    if version == right { Ok(()) } else { Err(VERSION_MISMATCH) }
}
