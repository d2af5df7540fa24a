//! What stands before every call: faults, missing functions, lost GPUs.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use nvml_wrapper_sys::bindings::nvmlDevice_t;

use crate::machine::{folder, machine};
use crate::scenario::{Fault, Gpu, MigInstance};

pub(crate) const INVALID_ARGUMENT: u32 = 2;
pub(crate) const NOT_SUPPORTED: u32 = 3;
const FUNCTION_NOT_FOUND: u32 = 13;
const GPU_IS_LOST: u32 = 15;

/// Handles are numbers; nobody may look behind them. A MIG device has its place among its GPU's in the low bits.
const FIRST: usize = 0x1_0000;
const STEP: usize = 0x100;

/// The handle of a GPU.
pub(crate) fn handle(index: usize) -> nvmlDevice_t {
    (FIRST + index * STEP) as nvmlDevice_t
}

/// The handle of a MIG device.
pub(crate) fn mig_handle(index: usize, mig: u32) -> nvmlDevice_t {
    (FIRST + index * STEP + 1 + mig as usize) as nvmlDevice_t
}

/// The GPU of a handle.
pub(crate) fn index(device: nvmlDevice_t) -> Option<usize> {
    (device as usize).checked_sub(FIRST).map(|number| number / STEP)
}

/// The number of the MIG device of a handle.
pub(crate) fn mig_index(device: nvmlDevice_t) -> Option<u32> {
    ((device as usize - FIRST) % STEP).checked_sub(1).and_then(|number| u32::try_from(number).ok())
}

/// Notes the call and lets its fault happen.
pub(crate) fn enter(name: &str, gpu: Option<usize>) -> Result<(), u32> {
    let (fault, missing, trace) = {
        let machine = machine();
        let Some(machine) = machine.as_ref() else { return Ok(()) };
        let scenario = &machine.scenario;
        let place = gpu.map_or("system".to_owned(), |index| format!("gpu{index}"));
        let faults = scenario.calls.get(name);
        let fault = faults.and_then(|faults| faults.get(&place).or_else(|| faults.get("all")));
        let missing = scenario.missing.iter().any(|missing| missing == name);
        (fault.copied().unwrap_or_default(), missing, scenario.trace)
    };
    if trace {
        let file = OpenOptions::new().create(true).append(true).open(folder().join("calls"));
        let line = gpu.map_or(format!("{name}\n"), |index| format!("{name} {index}\n"));
        file.expect("the trace can be opened").write_all(line.as_bytes()).expect("the trace can be written");
    }
    if missing {
        return Err(FUNCTION_NOT_FOUND);
    }
    happen(fault)
}

fn happen(fault: Fault) -> Result<(), u32> {
    if fault.crash {
        std::process::abort();
    }
    if fault.hang {
        loop {
            std::thread::sleep(Duration::from_secs(3600));
        }
    }
    if fault.hang_ms > 0 {
        std::thread::sleep(Duration::from_millis(fault.hang_ms));
    }
    fault.code.map_or(Ok(()), Err)
}

/// A call about a GPU (or one of its MIG devices) that fills `out`.
pub(crate) unsafe fn ask<T>(
    name: &str,
    device: nvmlDevice_t,
    out: *mut T,
    read: impl FnOnce(&Gpu) -> Result<T, u32>,
) -> u32 {
    let answer = about(name, device, read);
    match answer {
        Ok(value) => {
            // SAFETY: who calls NVML passes a place for the answer.
            unsafe { out.write(value) };
            0
        }
        Err(code) => code,
    }
}

/// A call about a GPU.
pub(crate) fn about<T>(
    name: &str,
    device: nvmlDevice_t,
    read: impl FnOnce(&Gpu) -> Result<T, u32>,
) -> Result<T, u32> {
    let index = index(device).ok_or(INVALID_ARGUMENT)?;
    enter(name, Some(index))?;
    let machine = machine();
    let (_, gpu) = machine.as_ref().and_then(|machine| machine.gpus.get(index)).ok_or(INVALID_ARGUMENT)?;
    if gpu.lost { Err(GPU_IS_LOST) } else { read(gpu) }
}

/// The MIG device of a handle.
pub(crate) fn mig_device(gpu: &Gpu, device: nvmlDevice_t) -> Option<&MigInstance> {
    let number = mig_index(device)?;
    gpu.mig.as_ref()?.instances.iter().find(|instance| instance.index == number)
}

/// What is absent is not supported.
pub(crate) fn or_unsupported<T>(value: Option<T>) -> Result<T, u32> {
    value.ok_or(NOT_SUPPORTED)
}
