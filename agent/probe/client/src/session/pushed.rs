//! What the probe says unasked, and where that goes.

use gpunode_probe_protocol::gpu::GpuEvent;

/// What the probe says unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// An event of a GPU.
    Event(GpuEvent),
    /// No more events come: NVML's wait ended with this code, or the process ended (no code). What happened between
    /// this and the next registration was not seen here.
    Ended(Option<u32>),
}

/// Where pushed messages go.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(Pushed);
