//! Processes and MIG devices.

use std::ffi::c_uint;

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlProcessInfo_t};

use super::code;
use crate::gate::{about, ask, index, mig_handle, or_unsupported};

const NOT_FOUND: u32 = 6;
const INSUFFICIENT_SIZE: u32 = 7;

unsafe fn processes(
    name: &str,
    kind: &str,
    device: nvmlDevice_t,
    count: *mut c_uint,
    infos: *mut nvmlProcessInfo_t,
) -> c_uint {
    code(about(name, device, |gpu| {
        let all = or_unsupported(gpu.processes.as_ref())?;
        let all: Vec<_> = all.iter().filter(|process| process.kind == kind).collect();
        // SAFETY: who calls NVML passes a place that says how much room there is, and takes the number.
        let room = unsafe { count.replace(all.len() as c_uint) } as usize;
        if room < all.len() {
            return Err(INSUFFICIENT_SIZE);
        }
        for (place, process) in all.into_iter().enumerate() {
            let info = nvmlProcessInfo_t {
                pid: process.pid,
                usedGpuMemory: process.memory.unwrap_or(u64::MAX),
                gpuInstanceId: u32::MAX,
                computeInstanceId: u32::MAX,
            };
            // SAFETY: there is room for so many.
            unsafe { infos.add(place).write(info) };
        }
        Ok(())
    }))
}

macro_rules! processes {
    ($($name:ident = $kind:literal;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            device: nvmlDevice_t,
            count: *mut c_uint,
            infos: *mut nvmlProcessInfo_t,
        ) -> c_uint {
            // SAFETY: as this function.
            unsafe { processes(stringify!($name), $kind, device, count, infos) }
        }
    )*};
}

processes! {
    nvmlDeviceGetComputeRunningProcesses_v3 = "compute";
    nvmlDeviceGetGraphicsRunningProcesses_v3 = "graphics";
    nvmlDeviceGetMPSComputeRunningProcesses_v3 = "mps";
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMigDeviceHandleByIndex(
    device: nvmlDevice_t,
    number: c_uint,
    out: *mut nvmlDevice_t,
) -> c_uint {
    // SAFETY: as this function.
    unsafe {
        ask("nvmlDeviceGetMigDeviceHandleByIndex", device, out, |gpu| {
            let mig = or_unsupported(gpu.mig.as_ref())?;
            let there = mig.instances.iter().any(|instance| instance.index == number);
            let gpu = index(device).ok_or(NOT_FOUND)?;
            if there { Ok(mig_handle(gpu, number)) } else { Err(NOT_FOUND) }
        })
    }
}
