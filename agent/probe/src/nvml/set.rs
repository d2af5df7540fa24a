//! NVML's event set.

use std::time::Duration;

use gpunode_probe_protocol::gpu::{GpuEvent, event_type};
use gpunode_probe_protocol::message::Registered;
use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlEventData_t, nvmlEventSet_t};

use super::Session;
use super::call::{Ask, call, code};
use super::library::no_pci;
use super::text::address;
use crate::slot::Slot;

/// What is worth waking for. Changes of clocks and performance states would wake hundreds of times a second, and so
/// would single-bit errors of failing memory (17,657 a second were seen): their storm is an event of its own, and
/// their number is in every sweep.
const WANTED: u64 = event_type::DOUBLE_BIT_ECC
    | event_type::XID_CRITICAL
    | event_type::MIG_CONFIG
    | event_type::SINGLE_BIT_ECC_STORM
    | event_type::DRAM_RETIREMENT
    | event_type::DRAM_RETIREMENT_FAILURE
    | event_type::NON_FATAL_POISON
    | event_type::FATAL_POISON
    | event_type::GPU_UNAVAILABLE
    | event_type::RECOVERY_ACTION;
/// The call that waits.
pub(crate) const WAIT: &str = "nvmlEventSetWait_v2";
/// What NVML says for "no GPU instance" and "no compute instance".
const NONE: u32 = u32::MAX;

/// GPUs whose events are waited for.
pub(crate) struct EventSet<'a> {
    ask: Ask<'a>,
    set: nvmlEventSet_t,
    /// An event names its GPU by handle only, and a lost GPU may not say its address any more.
    addresses: Vec<(nvmlDevice_t, String)>,
}

/// What came of waiting.
pub(crate) enum Waited {
    Event(GpuEvent),
    /// Nothing happened.
    Nothing,
    /// NVML's code.
    Failed(u32),
}

impl<'a> EventSet<'a> {
    /// An empty set, or NVML's code.
    pub(crate) fn new(session: &'a Session, slot: &'a Slot) -> Result<Self, u32> {
        let ask = Ask::library(session, slot);
        let mut set = std::ptr::null_mut();
        call!(&ask, nvmlEventSetCreate, &raw mut set)?;
        Ok(Self { ask, set, addresses: Vec::new() })
    }

    /// Adds a GPU. One type that it does not have would keep NVML from registering any, so it is asked first.
    pub(crate) fn add(&mut self, gpu: &Ask<'_>, pci: String) -> Registered {
        let mut supported = 0;
        let types = call!(gpu, nvmlDeviceGetSupportedEventTypes, gpu.device, &raw mut supported)
            .map(|()| supported & WANTED)
            .and_then(|types| match types {
                0 => Err(code::NOT_SUPPORTED),
                types => call!(gpu, nvmlDeviceRegisterEvents, gpu.device, types, self.set).map(|()| types),
            });
        self.addresses.push((gpu.device, pci.clone()));
        Registered { pci, types }
    }

    /// Makes it known that the waiting begins.
    pub(crate) fn about_to_wait(&self) {
        self.ask.slot.enter(WAIT);
    }

    /// Waits for an event, but not longer than `time`.
    pub(crate) fn wait(&self, time: Duration) -> Waited {
        let device = std::ptr::null_mut();
        let mut data = nvmlEventData_t {
            device,
            eventType: 0,
            eventData: 0,
            gpuInstanceId: NONE,
            computeInstanceId: NONE,
        };
        let time = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        // A GPU that is lost must not end the waiting for the others, hence a new asker each time.
        let ask = &Ask::library(self.ask.session, self.ask.slot);
        match call!(ask, nvmlEventSetWait_v2, self.set, &raw mut data, time) {
            Ok(()) => Waited::Event(self.event(&data)),
            Err(code::TIMEOUT) => Waited::Nothing,
            Err(code) => Waited::Failed(code),
        }
    }

    fn event(&self, data: &nvmlEventData_t) -> GpuEvent {
        let known = self.addresses.iter().find(|(device, _)| *device == data.device);
        let mig = (data.gpuInstanceId != NONE).then_some((data.gpuInstanceId, data.computeInstanceId));
        GpuEvent {
            pci: known.map(|(_, pci)| pci.clone()).or_else(|| self.address(data.device)),
            kind: data.eventType,
            data: data.eventData,
            mig,
        }
    }

    fn address(&self, device: nvmlDevice_t) -> Option<String> {
        if device.is_null() {
            return None;
        }
        let ask = &Ask::library(self.ask.session, self.ask.slot);
        let mut pci = no_pci();
        call!(ask, nvmlDeviceGetPciInfo_v3, device, &raw mut pci).ok().map(|()| address(&pci))
    }
}

impl Drop for EventSet<'_> {
    fn drop(&mut self) {
        let ask = &Ask::library(self.ask.session, self.ask.slot);
        // Nothing can be done about a set that cannot be freed.
        let _ = call!(ask, nvmlEventSetFree, self.set);
    }
}
