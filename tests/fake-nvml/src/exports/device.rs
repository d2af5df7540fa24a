//! One value of one GPU.

use std::ffi::{c_char, c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlRowRemapperHistogramValues_t, nvmlUtilization_t};

use super::{code, write_text};
use crate::gate::{INVALID_ARGUMENT, about, ask, mig_device, or_unsupported};
use crate::scenario::Gpu;

/// Numbers: the function, the place's type, and the value.
macro_rules! numbers {
    ($($name:ident($($argument:ident: $of:ty),*) -> $type:ty = $read:expr;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(device: nvmlDevice_t, $($argument: $of,)* out: *mut $type) -> c_uint {
            let read: fn(&Gpu, $($of),*) -> Option<$type> = $read;
            // SAFETY: as this function.
            unsafe { ask(stringify!($name), device, out, |gpu| or_unsupported(read(gpu, $($argument),*))) }
        }
    )*};
}

numbers! {
    nvmlDeviceGetArchitecture() -> c_uint = |gpu| gpu.architecture;
    nvmlDeviceGetModuleId() -> c_uint = |gpu| gpu.module_id;
    nvmlDeviceGetMinorNumber() -> c_uint = |gpu| gpu.minor;
    nvmlDeviceGetPersistenceMode() -> c_uint = |gpu| gpu.persistence;
    nvmlDeviceGetPerformanceState() -> c_uint = |gpu| gpu.pstate;
    nvmlDeviceGetTemperature(_sensor: c_uint) -> c_uint = |gpu, _| gpu.temperature;
    nvmlDeviceGetTemperatureThreshold(which: c_uint) -> c_uint = |gpu, which| {
        gpu.thresholds?.get(which as usize).copied().filter(|degrees| *degrees > 0)
    };
    nvmlDeviceGetClockInfo(clock: c_uint) -> c_uint = |gpu, clock| {
        gpu.clocks.map(|[sm, memory, _]| if clock == 2 { memory } else { sm })
    };
    nvmlDeviceGetMaxClockInfo(_clock: c_uint) -> c_uint = |gpu, _| gpu.clocks.map(|clocks| clocks[2]);
    nvmlDeviceGetCurrentClocksEventReasons() -> c_ulonglong = |gpu| gpu.event_reasons;
    nvmlDeviceGetCurrentClocksThrottleReasons() -> c_ulonglong = |gpu| gpu.event_reasons;
    nvmlDeviceGetPowerUsage() -> c_uint = |gpu| gpu.power.map(|power| power[0]);
    nvmlDeviceGetPowerManagementLimit() -> c_uint = |gpu| gpu.power.map(|power| power[1]);
    nvmlDeviceGetPowerManagementDefaultLimit() -> c_uint = |gpu| gpu.power.map(|power| power[2]);
    nvmlDeviceGetUtilizationRates() -> nvmlUtilization_t = |gpu| {
        gpu.utilisation.map(|[gpu, memory]| nvmlUtilization_t { gpu, memory })
    };
    nvmlDeviceGetRowRemapperHistogram() -> nvmlRowRemapperHistogramValues_t = |gpu| {
        gpu.histogram.map(|[max, high, partial, low, none]| {
            nvmlRowRemapperHistogramValues_t { max, high, partial, low, none }
        })
    };
    nvmlDeviceGetCurrPcieLinkWidth() -> c_uint = |gpu| gpu.pcie.map(|pcie| pcie[0]);
    nvmlDeviceGetMaxPcieLinkWidth() -> c_uint = |gpu| gpu.pcie.map(|pcie| pcie[1]);
    nvmlDeviceGetCurrPcieLinkGeneration() -> c_uint = |gpu| gpu.pcie.map(|pcie| pcie[2]);
    nvmlDeviceGetMaxPcieLinkGeneration() -> c_uint = |gpu| gpu.pcie.map(|pcie| pcie[3]);
    nvmlDeviceGetMaxMigDeviceCount() -> c_uint = |gpu| gpu.mig.as_ref().map(|_| 7);
    nvmlDeviceGetSupportedEventTypes() -> c_ulonglong = |gpu| gpu.events;
}

/// Texts.
macro_rules! texts {
    ($($name:ident = $read:expr;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(device: nvmlDevice_t, out: *mut c_char, room: c_uint) -> c_uint {
            let read: fn(&Gpu, nvmlDevice_t) -> Option<&String> = $read;
            code(about(stringify!($name), device, |gpu| {
                // SAFETY: who calls NVML passes as much room as it says.
                unsafe { write_text(or_unsupported(read(gpu, device))?, out, room as usize) }
            }))
        }
    )*};
}

texts! {
    nvmlDeviceGetUUID = |gpu, device| match mig_device(gpu, device) {
        Some(instance) => Some(&instance.uuid),
        None => gpu.uuid.as_ref(),
    };
    nvmlDeviceGetSerial = |gpu, _| gpu.serial.as_ref();
    nvmlDeviceGetName = |gpu, _| gpu.product.as_ref();
    nvmlDeviceGetVbiosVersion = |gpu, _| gpu.vbios.as_ref();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetGspFirmwareVersion(device: nvmlDevice_t, out: *mut c_char) -> c_uint {
    code(about("nvmlDeviceGetGspFirmwareVersion", device, |gpu| {
        // SAFETY: NVML's reference asks for 64 bytes.
        unsafe { write_text(or_unsupported(gpu.gsp.as_ref())?, out, 64) }
    }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetGspFirmwareMode(
    device: nvmlDevice_t,
    enabled: *mut c_uint,
    by_default: *mut c_uint,
) -> c_uint {
    code(about("nvmlDeviceGetGspFirmwareMode", device, |gpu| {
        let [is, would_be] = or_unsupported(gpu.gsp_mode)?;
        // SAFETY: who calls NVML passes places for the answers.
        unsafe { (enabled.write(is), by_default.write(would_be)) };
        Ok(())
    }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceValidateInforom(device: nvmlDevice_t) -> c_uint {
    const CORRUPTED_INFOROM: u32 = 14;
    code(about("nvmlDeviceValidateInforom", device, |gpu| {
        if or_unsupported(gpu.info_rom_valid)? { Ok(()) } else { Err(CORRUPTED_INFOROM) }
    }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMigMode(
    device: nvmlDevice_t,
    current: *mut c_uint,
    pending: *mut c_uint,
) -> c_uint {
    code(about("nvmlDeviceGetMigMode", device, |gpu| {
        let mig = or_unsupported(gpu.mig.as_ref())?;
        // SAFETY: who calls NVML passes places for the answers.
        unsafe { (current.write(mig.enabled.into()), pending.write(mig.pending.into())) };
        Ok(())
    }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetGpuInstanceId(device: nvmlDevice_t, out: *mut c_uint) -> c_uint {
    // SAFETY: as this function.
    unsafe {
        ask("nvmlDeviceGetGpuInstanceId", device, out, |gpu| {
            mig_device(gpu, device).map(|instance| instance.gpu_instance).ok_or(INVALID_ARGUMENT)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetComputeInstanceId(device: nvmlDevice_t, out: *mut c_uint) -> c_uint {
    // SAFETY: as this function.
    unsafe {
        ask("nvmlDeviceGetComputeInstanceId", device, out, |gpu| {
            mig_device(gpu, device).map(|instance| instance.compute_instance).ok_or(INVALID_ARGUMENT)
        })
    }
}
