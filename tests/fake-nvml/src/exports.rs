//! The functions, as NVML's header has them.

mod device;
mod events;
mod fields;
mod lists;
mod structs;

use std::ffi::{c_char, c_int, c_uint};

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlPciInfo_t};

use crate::gate::{INVALID_ARGUMENT, enter, handle, index};
use crate::machine::{machine, refresh};

/// Codes as results inside, as numbers outside.
pub(crate) fn code(answer: Result<(), u32>) -> u32 {
    answer.err().unwrap_or(0)
}

/// Writes a text with its zero.
pub(crate) unsafe fn write_text(text: &str, out: *mut c_char, room: usize) -> Result<(), u32> {
    const INSUFFICIENT_SIZE: u32 = 7;
    if text.len() + 1 > room {
        return Err(INSUFFICIENT_SIZE);
    }
    // SAFETY: there is room for so many bytes.
    unsafe {
        out.copy_from(text.as_ptr().cast(), text.len());
        out.add(text.len()).write(0);
    }
    Ok(())
}

/// A PCI address in NVML's forms.
pub(crate) fn pci(address: &str) -> Result<nvmlPciInfo_t, u32> {
    let number = |text: &str| c_uint::from_str_radix(text, 16).map_err(|_| INVALID_ARGUMENT);
    let mut parts = address.split([':', '.']);
    let mut next = || number(parts.next().unwrap_or_default());
    let (domain, bus, device) = (next()?, next()?, next()?);
    // SAFETY: numbers and texts, for which zeros are valid.
    let mut info: nvmlPciInfo_t = unsafe { std::mem::zeroed() };
    (info.domain, info.bus, info.device) = (domain, bus, device);
    let long = format!("{domain:08x}:{bus:02x}:{device:02x}.0");
    for (to, from) in info.busId.iter_mut().zip(long.bytes()) {
        *to = c_char::from_ne_bytes([from]);
    }
    Ok(info)
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlInit_v2() -> c_uint {
    refresh();
    if let Some(error) = machine().as_ref().and_then(|machine| machine.error.clone()) {
        eprintln!("fake NVML: {error}");
        return 999;
    }
    let init = machine().as_ref().map_or(999, |machine| machine.scenario.init);
    code(enter("nvmlInit_v2", None).and(if init == 0 { Ok(()) } else { Err(init) }))
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlShutdown() -> c_uint {
    code(enter("nvmlShutdown", None))
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlErrorString(code: c_uint) -> *const c_char {
    match code {
        0 => c"Success",
        9 => c"Driver Not Loaded",
        15 => c"GPU is lost",
        18 => c"RM has detected an NVML/RM version mismatch.",
        _ => c"Unknown Error",
    }
    .as_ptr()
}

unsafe fn version(
    name: &str,
    out: *mut c_char,
    room: c_uint,
    text: fn(&crate::scenario::System) -> &str,
) -> u32 {
    let text =
        machine().as_ref().map(|machine| text(&machine.scenario.system).to_owned()).unwrap_or_default();
    // SAFETY: who calls NVML passes as much room as it says.
    code(enter(name, None).and_then(|()| unsafe { write_text(&text, out, room as usize) }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlSystemGetDriverVersion(out: *mut c_char, room: c_uint) -> c_uint {
    // SAFETY: as this function.
    unsafe { version("nvmlSystemGetDriverVersion", out, room, |system| &system.driver) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlSystemGetNVMLVersion(out: *mut c_char, room: c_uint) -> c_uint {
    // SAFETY: as this function.
    unsafe { version("nvmlSystemGetNVMLVersion", out, room, |system| &system.nvml) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlSystemGetCudaDriverVersion_v2(out: *mut c_int) -> c_uint {
    let cuda = machine().as_ref().map_or(0, |machine| machine.scenario.system.cuda);
    // SAFETY: who calls NVML passes a place for the answer.
    code(enter("nvmlSystemGetCudaDriverVersion_v2", None).map(|()| unsafe { out.write(cuda) }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetCount_v2(out: *mut c_uint) -> c_uint {
    refresh();
    let count = machine().as_ref().map_or(0, |machine| machine.gpus.len());
    // SAFETY: who calls NVML passes a place for the answer.
    code(enter("nvmlDeviceGetCount_v2", None).map(|()| unsafe { out.write(count as c_uint) }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetHandleByIndex_v2(index: c_uint, out: *mut nvmlDevice_t) -> c_uint {
    let index = index as usize;
    if machine().as_ref().is_none_or(|machine| index >= machine.gpus.len()) {
        return INVALID_ARGUMENT;
    }
    let entered = enter("nvmlDeviceGetHandleByIndex_v2", Some(index));
    // SAFETY: who calls NVML passes a place for the answer.
    code(entered.map(|()| unsafe { out.write(handle(index)) }))
}

/// A lost GPU still says its address: NVML has it from the start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetPciInfo_v3(device: nvmlDevice_t, out: *mut nvmlPciInfo_t) -> c_uint {
    let answer = index(device).ok_or(INVALID_ARGUMENT).and_then(|index| {
        enter("nvmlDeviceGetPciInfo_v3", Some(index))?;
        let machine = machine();
        let gpu = machine.as_ref().and_then(|machine| machine.gpus.get(index));
        pci(&gpu.ok_or(INVALID_ARGUMENT)?.0)
    });
    // SAFETY: who calls NVML passes a place for the answer.
    code(answer.map(|info| unsafe { out.write(info) }))
}
