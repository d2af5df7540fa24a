//! Field values and links.

use std::collections::BTreeMap;
use std::ffi::{c_int, c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlFieldValue_t, nvmlPciInfo_t, nvmlValue_t};

use super::{code, pci};
use crate::gate::{INVALID_ARGUMENT, NOT_SUPPORTED, about, ask, or_unsupported};
use crate::machine::machine;
use crate::scenario::{Gpu, Link};

const LINK_COUNT: u32 = 91;
/// Fields of links that take the link in `scopeId`.
const OF_LINKS: [std::ops::RangeInclusive<u32>; 3] = [161..=168, 200..=225, 235..=250];
/// What the ids that throttling had before driver 580.82 mean since: something of power smoothing.
const POWER_SMOOTHING: i64 = 7_777_777;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetFieldValues(
    device: nvmlDevice_t,
    count: c_int,
    values: *mut nvmlFieldValue_t,
) -> c_uint {
    let (driver, highest) = {
        let machine = machine();
        let Some(scenario) = machine.as_ref().map(|machine| &machine.scenario) else {
            return INVALID_ARGUMENT;
        };
        (major_minor(&scenario.system.driver), scenario.highest_field.unwrap_or(273))
    };
    // SAFETY: who calls NVML passes as many as it says.
    let values = unsafe { std::slice::from_raw_parts_mut(values, usize::try_from(count).unwrap_or(0)) };
    code(about("nvmlDeviceGetFieldValues", device, |gpu| {
        for value in values {
            let answer = field(gpu, value.fieldId, value.scopeId, driver, highest);
            value.nvmlReturn = answer.err().unwrap_or(0);
            (value.valueType, value.value) = typed(answer.unwrap_or(0));
        }
        Ok(())
    }))
}

fn major_minor(driver: &str) -> (u32, u32) {
    let mut parts = driver.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

fn field(gpu: &Gpu, id: u32, scope: u32, driver: (u32, u32), highest: u32) -> Result<i64, u32> {
    if id > highest {
        return Err(INVALID_ARGUMENT);
    }
    let renumbered = driver >= (580, 82);
    let throttled = |first: u32| or_unsupported(gpu.throttled.map(|times| times[(id - first) as usize]));
    match id {
        LINK_COUNT => or_unsupported(gpu.links.map(i64::from)),
        251..=253 if renumbered => Ok(POWER_SMOOTHING),
        251..=253 => throttled(251),
        269..=271 if renumbered => throttled(269),
        _ if OF_LINKS.iter().any(|range| range.contains(&id)) => {
            if scope >= gpu.links.unwrap_or(0) {
                return Err(INVALID_ARGUMENT);
            }
            let own = gpu.link_with.get(&scope.to_string()).and_then(|link| known(&link.fields, id));
            or_unsupported(own.or_else(|| known(&gpu.link.fields, id)))
        }
        _ => or_unsupported(known(&gpu.fields, id)),
    }
}

fn known(fields: &BTreeMap<String, i64>, id: u32) -> Option<i64> {
    fields.get(&id.to_string()).copied()
}

/// NVML gives each number in the form that fits it.
fn typed(number: i64) -> (u32, nvmlValue_t) {
    match (u32::try_from(number), i32::try_from(number)) {
        (Ok(small), _) => (1, nvmlValue_t { uiVal: small }),
        (_, Ok(small)) => (5, nvmlValue_t { siVal: small }),
        _ => (3, nvmlValue_t { ullVal: number.cast_unsigned() }),
    }
}

/// A value of a link: its own, or what the profile says of all.
fn link<T: Copy>(gpu: &Gpu, link: u32, read: fn(&Link) -> Option<T>) -> Result<T, u32> {
    let count = or_unsupported(gpu.links)?;
    if link >= count {
        return Err(INVALID_ARGUMENT);
    }
    let own = gpu.link_with.get(&link.to_string()).and_then(read);
    own.or_else(|| read(&gpu.link)).ok_or(NOT_SUPPORTED)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetNvLinkState(
    device: nvmlDevice_t,
    number: c_uint,
    out: *mut c_uint,
) -> c_uint {
    // SAFETY: as this function.
    unsafe { ask("nvmlDeviceGetNvLinkState", device, out, |gpu| link(gpu, number, |link| link.state)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetNvLinkVersion(
    device: nvmlDevice_t,
    number: c_uint,
    out: *mut c_uint,
) -> c_uint {
    // SAFETY: as this function.
    unsafe { ask("nvmlDeviceGetNvLinkVersion", device, out, |gpu| link(gpu, number, |link| link.version)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetNvLinkErrorCounter(
    device: nvmlDevice_t,
    number: c_uint,
    counter: c_uint,
    out: *mut c_ulonglong,
) -> c_uint {
    // SAFETY: as this function.
    unsafe {
        ask("nvmlDeviceGetNvLinkErrorCounter", device, out, |gpu| {
            let counters = link(gpu, number, |link| link.counters)?;
            counters.get(counter as usize).copied().ok_or(INVALID_ARGUMENT)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetNvLinkRemotePciInfo_v2(
    device: nvmlDevice_t,
    number: c_uint,
    out: *mut nvmlPciInfo_t,
) -> c_uint {
    // SAFETY: as this function.
    unsafe {
        ask("nvmlDeviceGetNvLinkRemotePciInfo_v2", device, out, |gpu| {
            let own = gpu.link_with.get(&number.to_string()).and_then(|link| link.remote.as_ref());
            pci(or_unsupported(own.or(gpu.link.remote.as_ref()))?)
        })
    }
}
