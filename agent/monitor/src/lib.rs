//! Watches the devices of this node: every source of health, each by a thread of its own, into one [`Health`].
//!
//! [`Monitor`] watches as long as the program runs; [`look()`] looks once, within a deadline. Both take the same
//! [`Settings`]. No source can hold up another, nor the caller: whatever may sleep in the kernel or in a vendor's library
//! does so in a thread, or a process, that nobody waits for.
//!
//! # Threads
//! No async runtime. One thread a source, with a stack of 256 KiB of which it touches a few pages, one a device for what
//! asks a card, and the probe's own. They send what they saw through one bounded channel to whoever owns the
//! [`Monitor`], so the kernel log waits, and loses nothing that the kernel still has, when its reader is slow.
//!
//! # A machine without NVIDIA GPUs or EFA
//! No probe is started where the NVIDIA driver is not loaded, nor to ask libfabric where no EFA device is: such a
//! machine pays for a few files that are looked for every ten seconds.

mod bell;
mod clock;
mod feed;
mod gate;
mod intake;
mod look;
mod memory;
mod monitor;
mod settings;
mod source;
mod state;
mod told;
mod waker;

pub use gpunode_host::health::Health;
pub use gpunode_probe_client as probe;
pub use look::{Looked, Once, look};
pub use memory::one_heap;
pub use monitor::{Monitor, News};
pub use settings::{Deadlines, KernelLog, Periods, Settings, setup};
pub use state::{Sources, State};
pub use waker::Waker;
