//! What one NVML event shows.

use gpunode_probe_protocol::gpu::{GpuEvent, event_type};

use crate::health::{Sighting, Subject, rules};

/// What to do about an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Signs.
    pub sightings: Vec<Sighting>,
    /// Whether only a sweep tells what the event means.
    pub wants_sweep: bool,
    /// The XID that the event carries, to be judged like one from the kernel log.
    pub xid: Option<(String, u32)>,
}

/// What `event` shows.
pub fn judge(event: &GpuEvent) -> Told {
    let mut told = Told { wants_sweep: true, ..Told::default() };
    let Some(pci) = &event.pci else { return told };
    match event.kind {
        event_type::XID_CRITICAL => {
            told.xid = u32::try_from(event.data).ok().filter(|xid| *xid != 999).map(|xid| (pci.clone(), xid));
        }
        event_type::GPU_UNAVAILABLE => {
            let message = "the driver says that the GPU is not available";
            told.sightings.push(Sighting::new(&rules::GPU_UNAVAILABLE, Subject::gpu(pci), message));
        }
        _ => {}
    }
    told
}
