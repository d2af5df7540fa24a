//! Event sets.

use std::collections::HashMap;
use std::ffi::{c_uint, c_ulonglong};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlEventData_t, nvmlEventSet_t};

use super::code;
use crate::bell;
use crate::gate::{INVALID_ARGUMENT, NOT_SUPPORTED, about, enter, handle, index, or_unsupported};
use crate::machine::{machine, refresh};
use crate::scenario::Event;

const TIMEOUT: u32 = 10;

/// What is registered, and how many of the scenario's events are in the past.
#[derive(Default)]
struct Set {
    types: HashMap<usize, u64>,
    seen: Option<usize>,
}

static SETS: Mutex<Vec<Option<Set>>> = Mutex::new(Vec::new());

fn with<T>(set: nvmlEventSet_t, work: impl FnOnce(&mut Option<Set>) -> Result<T, u32>) -> Result<T, u32> {
    let mut sets = SETS.lock().unwrap_or_else(PoisonError::into_inner);
    let place = (set as usize).checked_sub(1).and_then(|place| sets.get_mut(place));
    work(place.filter(|set| set.is_some()).ok_or(INVALID_ARGUMENT)?)
}

fn events() -> Vec<Event> {
    machine().as_ref().map(|machine| machine.scenario.events.clone()).unwrap_or_default()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlEventSetCreate(out: *mut nvmlEventSet_t) -> c_uint {
    code(enter("nvmlEventSetCreate", None).map(|()| {
        let mut sets = SETS.lock().unwrap_or_else(PoisonError::into_inner);
        sets.push(Some(Set::default()));
        // SAFETY: who calls NVML passes a place for the answer. A set is its number, counted from 1.
        unsafe { out.write(sets.len() as nvmlEventSet_t) };
    }))
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlEventSetFree(set: nvmlEventSet_t) -> c_uint {
    code(
        enter("nvmlEventSetFree", None)
            .and_then(|()| with(set, |set| set.take().map(drop).ok_or(INVALID_ARGUMENT))),
    )
}

/// One type that the GPU does not have keeps all of them out, as NVML's reference says.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceRegisterEvents(
    device: nvmlDevice_t,
    types: c_ulonglong,
    set: nvmlEventSet_t,
) -> c_uint {
    let supported = about("nvmlDeviceRegisterEvents", device, |gpu| or_unsupported(gpu.events));
    code(supported.and_then(|supported| {
        if types & !supported != 0 {
            return Err(NOT_SUPPORTED);
        }
        let index = index(device).ok_or(INVALID_ARGUMENT)?;
        let past = events().len();
        with(set, |set| {
            let set = set.get_or_insert_default();
            set.types.insert(index, types);
            set.seen.get_or_insert(past);
            Ok(())
        })
    }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlEventSetWait_v2(
    set: nvmlEventSet_t,
    out: *mut nvmlEventData_t,
    time: c_uint,
) -> c_uint {
    let end = Instant::now() + Duration::from_millis(time.into());
    code((|| {
        enter("nvmlEventSetWait_v2", None)?;
        loop {
            refresh();
            if let Some(event) = next(set)? {
                if let Some(code) = event.code {
                    return Err(code);
                }
                // SAFETY: who calls NVML passes a place for the answer.
                unsafe { out.write(data(&event)) };
                return Ok(());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(TIMEOUT);
            }
            bell::wait(left);
        }
    })())
}

/// The oldest event that the set has not seen and that is registered.
fn next(set: nvmlEventSet_t) -> Result<Option<Event>, u32> {
    let events = events();
    with(set, |set| {
        let set = set.get_or_insert_default();
        let Some(mut seen) = set.seen else { return Ok(None) };
        let wanted = |event: &Event| {
            let types = set.types.get(&event.gpu).copied().unwrap_or(0);
            event.code.is_some() || types & event.kind != 0
        };
        let mut found = None;
        while found.is_none() && seen < events.len() {
            found = Some(&events[seen]).filter(|event| wanted(event)).cloned();
            seen += 1;
        }
        set.seen = Some(seen);
        Ok(found)
    })
}

fn data(event: &Event) -> nvmlEventData_t {
    let (gpu_instance, compute_instance) = event.mig.unwrap_or((u32::MAX, u32::MAX));
    nvmlEventData_t {
        device: handle(event.gpu),
        eventType: event.kind,
        eventData: event.data,
        gpuInstanceId: gpu_instance,
        computeInstanceId: compute_instance,
    }
}
