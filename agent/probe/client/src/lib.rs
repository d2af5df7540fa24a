//! The parent's side of `gpunode-probe`: carries the program, starts it, asks it with deadlines, and never waits longer.
//!
//! The static programs cannot load NVML and libfabric, and would not want to: a call on a sick GPU can hang for ever, even
//! unkillably, and a vendor library can crash its process. The probe is a process of its own that may do all that.
//!
//! # What happens when
//! | the probe | its parent |
//! |---|---|
//! | answers | hands over the answer |
//! | says that a call on a GPU hangs | hands over what was read of the others ([`Outcome::Partial`]), kills the process, leaves that GPU out from now on, and looks at it again now and then in a separate process ([`Probe::look_again`]) |
//! | had no processor for most of the time | [`Trouble::Starved`]: waits for the next question, or kills it where it is silent |
//! | is silent beyond the deadline (frozen as a whole) | kills it: [`Trouble::Hung`] without a call |
//! | does not end when killed (stuck in the kernel) | leaves it behind and counts it; nobody waits for it. With [`Settings::abandoned`] of them, no more are started until one ends |
//! | ends by itself, or speaks garbage | [`Trouble::Crashed`], [`Trouble::Garbage`]; the next start waits for a pause that doubles |
//! | says that the library is not there or does not fit | [`Trouble::NotInstalled`], [`Trouble::WrongLibrary`], [`Trouble::LibraryStart`]; no pause: the next question goes to a new process, which sees what was installed meanwhile |
//!
//! # Threads
//! No async runtime. Questions block their caller, at most for their deadline and a third of a second. One further thread,
//! which sleeps, starts the processes. In an event loop: give the [`Probe`] to one thread of its own that calls
//! [`Probe::wait`] between its questions, or watch [`Probe::as_fd`] and call [`Probe::pump`].

mod abandoned;
mod hung;
mod image;
mod lane;
mod outcome;
mod probe;
mod session;
mod settings;
mod spawn;
mod starter;
mod starved;
mod trouble;

pub use abandoned::Abandoned;
pub use gpunode_probe_protocol as protocol;
pub use hung::HungGpu;
pub use image::Origin;
pub use outcome::{Outcome, StartError};
pub use probe::{Listing, Look, Probe};
pub use session::Pushed;
pub use settings::{Growing, Program, Settings};
pub use trouble::{End, Trouble};
