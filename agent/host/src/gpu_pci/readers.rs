//! [`Hardware`] with a deadline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::hardware::{Hardware, hardware};
use crate::Root;
use crate::bounded::{self, Event, Job, Pool, Timing};

/// What happened to a reading; the subject's name is the PCI address.
pub type GpuEvent = Event<Hardware>;

/// Reads what the GPUs' hardware says, none delayed by a GPU that does not answer. Used as [`crate::efa::PortReaders`] is.
pub struct GpuReaders(Pool<Hardware>);

impl GpuReaders {
    /// Readers without GPUs.
    pub fn new(root: Root, period: Duration, deadline: Duration, now: Instant) -> Self {
        let make = move |address: &str| -> Job<_> { job(&root, address) };
        let timing = Timing { period, deadline, gap: Duration::ZERO, step: Duration::ZERO };
        Self(Pool::new(timing, now, make))
    }

    /// Makes the GPUs these, by PCI address.
    pub fn sync(&mut self, addresses: &[Arc<str>], now: Instant) {
        self.0.sync(addresses, now);
    }

    /// Starts what is due and returns what happened. Never blocks.
    pub fn tick(&mut self, now: Instant) -> Vec<GpuEvent> {
        self.0.tick(now)
    }

    /// When `tick` has something to do next, answers aside.
    pub fn next_wake(&self) -> Option<Instant> {
        self.0.next_wake()
    }

    /// Waits until an answer, or until `until`. The answer is in the next `tick`.
    pub fn wait(&mut self, until: Instant) {
        self.0.wait(until);
    }

    /// The addresses whose read is past its deadline now, with its beginning.
    pub fn stalled(&self) -> impl Iterator<Item = (&str, Instant)> {
        self.0.stalled()
    }
}

/// Reads all at once, in the order of `addresses`; `None` for one that did not answer within the deadline.
pub fn hardware_once(root: &Root, addresses: &[String], deadline: Duration) -> Vec<Option<Hardware>> {
    let jobs = addresses.iter().map(|address| job(root, address)).collect();
    bounded::once(jobs, deadline).into_iter().map(|answer| answer.map(|(hardware, _)| hardware)).collect()
}

fn job(root: &Root, address: &str) -> Job<Hardware> {
    let (root, address) = (root.clone(), address.to_owned());
    Box::new(move || hardware(&root, &address))
}
