//! Reads that may block in the kernel: a deadline for each read, and none waits for another that stands.
//!
//! A read of a dead device can sleep in the kernel for half a minute and cannot be interrupted. So no thread is relied on:
//! one does the reads of all subjects (EFA devices, GPUs) as long as they come back, and when it has begun none for
//! 10 ms others take over. A read that is past its deadline is reported once as stalled, is never started a second time,
//! and is reported again when it comes back. It stands only where its thread sleeps: on a machine whose processors are busy, a
//! read comes late as well, and no subject is to be blamed for that.
//!
//! The kernel reaps a process only when its last thread has left the kernel: whoever waits for a process with a
//! stalled read waits for that read, and pipes it holds stay open until then. A program that must end in time does
//! such reads in a child process that it does not wait for, and takes complete lines, not the end of the pipe, for
//! the end of the answer.

mod asleep;
mod crew;
mod guarded;
mod pool;
mod rounds;
mod schedule;
#[cfg(test)]
mod tests;

pub(crate) use asleep::{Task, Times};
pub use guarded::Guarded;
pub use pool::{Event, Job, Pool};
pub use rounds::Rounds;
pub use schedule::Timing;
