//! Multi-instance GPU.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::{Mig, MigInstance};
use nvml_wrapper_sys::bindings::nvmlMemory_t;

use super::call::{Ask, call, code, get};
use super::text::text;

/// More MIG devices than any GPU can have (7).
const MOST: u32 = 16;

/// The mode and, where it is on, the instances.
pub(super) fn mig(ask: &Ask<'_>) -> Reading<Mig> {
    let (mut current, mut pending) = (0, 0);
    let done = call!(ask, nvmlDeviceGetMigMode, ask.device, &raw mut current, &raw mut pending);
    let mode = ask.reading("nvmlDeviceGetMigMode", done.map(|()| (current != 0, pending != 0)));
    mode.map(|(enabled, pending)| {
        let instances = if enabled { instances(ask) } else { Vec::new() };
        Mig { enabled, pending, instances }
    })
}

fn instances(ask: &Ask<'_>) -> Vec<MigInstance> {
    let most = get!(ask, nvmlDeviceGetMaxMigDeviceCount, 0_u32).value().copied().unwrap_or(0).min(MOST);
    (0..most).filter_map(|index| instance(ask, index)).collect()
}

/// `None` where there is no instance with this index, or it went away just now.
fn instance(ask: &Ask<'_>, index: u32) -> Option<MigInstance> {
    let mut device = std::ptr::null_mut();
    match call!(ask, nvmlDeviceGetMigDeviceHandleByIndex, ask.device, index, &raw mut device) {
        Ok(()) => {}
        Err(code::NOT_FOUND) => return None,
        Err(failure) => {
            ask.reading::<()>("nvmlDeviceGetMigDeviceHandleByIndex", Err(failure));
            return None;
        }
    }
    let ask = &ask.about(device);
    let mut uuid = [0; 96];
    let done = call!(ask, nvmlDeviceGetUUID, device, uuid.as_mut_ptr(), 96);
    let uuid = ask.reading("nvmlDeviceGetUUID", done.map(|()| text(&uuid))).value().cloned()?;
    let gpu_instance = get!(ask, nvmlDeviceGetGpuInstanceId, 0).value().copied()?;
    let compute_instance = get!(ask, nvmlDeviceGetComputeInstanceId, 0).value().copied()?;
    let memory = get!(ask, nvmlDeviceGetMemoryInfo, nvmlMemory_t { total: 0, free: 0, used: 0 });
    Some(MigInstance {
        uuid,
        gpu_instance,
        compute_instance,
        memory_total: memory.value().map(|bytes| bytes.total),
    })
}
