//! What is asked, and what is answered.

use serde::{Deserialize, Serialize};

use crate::fabric::Interfaces;
use crate::gpu::{GpuEvent, Sweep};
use crate::library::Unusable;
use crate::plugin::Plugin;

/// A question to the probe. Answers carry the same `id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by who asks; 0 is kept for what the probe says unasked.
    pub id: u32,
    /// Milliseconds after which the probe answers with what it has, naming the call that is stuck. Who asks waits a
    /// little longer, since a probe that is frozen as a whole says nothing.
    pub deadline_ms: u32,
    /// What is wanted.
    pub want: Want,
}

/// What a request wants. One question of a kind at a time: a second before the first is answered ends the probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Want {
    /// Every GPU, once.
    Gpus {
        /// GPUs that are not to be touched since a call on them hung before: by PCI address, or by NVML's index in
        /// decimal where [`crate::gpu::Stuck`] had no address. An address is found without touching the GPU where
        /// `/proc/driver/nvidia/gpus` lists as many GPUs as NVML counts; else the GPU is asked for its address.
        skip: Vec<String>,
        /// Also what is slow to read and changes rarely (processes, InfoROM, remote ends of NVLinks).
        slow: bool,
    },
    /// NVML events from now on, pushed as [`Say::Event`]. Answered with [`Say::Events`] once they are registered.
    /// Asked again it replaces the registration; that takes up to a second, in which events are not seen.
    Events {
        /// GPUs that are not to be registered, as in [`Want::Gpus`].
        skip: Vec<String>,
    },
    /// What libfabric lists for the provider `efa`.
    Interfaces,
    /// Whether a plugin of NCCL can be loaded.
    Plugin {
        /// Its file.
        path: String,
    },
    /// The next thing the probe says is its last.
    Goodbye,
}

/// Something the probe says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The request's; 0 for what was not asked for.
    pub id: u32,
    /// What it says.
    pub say: Say,
}

/// The content of a [`Message`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Say {
    /// The first message, unasked.
    Hello(Hello),
    /// Every GPU, or why NVML cannot be used.
    Gpus(Result<Box<Sweep>, Unusable>),
    /// Which events are registered on which GPU, or why NVML cannot be used.
    Events(Result<Vec<Registered>, Unusable>),
    /// An event, unasked.
    Event(GpuEvent),
    /// The event wait ended with this NVML code and is not taken up again by itself, unasked. 10
    /// (`NVML_ERROR_TIMEOUT`) says that the wait itself does not come back.
    EventsEnded(u32),
    /// What libfabric lists, or why it cannot be used.
    Interfaces(Result<Interfaces, Unusable>),
    /// What the plugin offers, or why it cannot be loaded.
    Plugin(Result<Plugin, Unusable>),
    /// The answer to [`Want::Goodbye`].
    Goodbye,
}

/// Who is speaking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::VERSION`] of the probe.
    pub protocol: u16,
    /// The probe's own version.
    pub version: String,
    /// The C library it runs with, for example `glibc 2.34`.
    pub libc: String,
}

/// The events registered on one GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// PCI address, as in [`crate::gpu::Gpu::pci`].
    pub pci: String,
    /// The bits of `nvmlEventType…` that are registered, or NVML's code.
    pub types: Result<u64, u32>,
}
