//! What NVML says of the driver and of itself, and how a GPU is found.

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::System;
use nvml_wrapper_sys::bindings::nvmlPciInfo_t;

use super::Session;
use super::call::{Ask, call, reading};
use super::text::{address, text};
use crate::slot::Slot;

/// Versions; they cannot change while the library is started, so they are asked for once.
pub(crate) fn system(session: &Session, slot: &Slot) -> System {
    if let Some(system) = session.system.get() {
        return system.clone();
    }
    let ask = &Ask::library(session, slot);
    let mut buffer = [0; 96];
    let done = call!(ask, nvmlSystemGetDriverVersion, buffer.as_mut_ptr(), 96);
    let driver = reading(done.map(|()| text(&buffer)));
    let done = call!(ask, nvmlSystemGetNVMLVersion, buffer.as_mut_ptr(), 96);
    let nvml = reading(done.map(|()| text(&buffer)));
    let mut version = 0;
    let done = call!(ask, nvmlSystemGetCudaDriverVersion_v2, &raw mut version);
    let cuda = reading(done.map(|()| cuda(version)));
    let system = System { driver, nvml, cuda };
    let failed = [system.driver.failed(), system.nvml.failed(), system.cuda.failed()];
    if failed.iter().all(Option::is_none) {
        // Another thread may have been first; it was told the same.
        let _ = session.system.set(system.clone());
    }
    system
}

/// `NVML_CUDA_DRIVER_VERSION_MAJOR` and `…_MINOR`.
fn cuda(version: i32) -> (u32, u32) {
    let version = version.unsigned_abs();
    (version / 1000, version % 1000 / 10)
}

/// How many GPUs there are.
pub(crate) fn count(session: &Session, slot: &Slot) -> Reading<u32> {
    let ask = &Ask::library(session, slot);
    let mut count = 0;
    let done = call!(ask, nvmlDeviceGetCount_v2, &raw mut count);
    reading(done.map(|()| count))
}

/// The GPU with this index and its PCI address, or NVML's code.
pub(crate) fn handle<'a>(session: &'a Session, slot: &'a Slot, index: u32) -> Result<(Ask<'a>, String), u32> {
    let mut device = std::ptr::null_mut();
    call!(&Ask::library(session, slot), nvmlDeviceGetHandleByIndex_v2, index, &raw mut device)?;
    let ask = Ask::library(session, slot).about(device);
    let mut pci = no_pci();
    call!(&ask, nvmlDeviceGetPciInfo_v3, device, &raw mut pci)?;
    Ok((ask, address(&pci)))
}

/// A place for a PCI address.
pub(super) fn no_pci() -> nvmlPciInfo_t {
    // SAFETY: numbers and texts, for which zeros are valid.
    unsafe { std::mem::zeroed() }
}
