//! The library call that a thread is in: what a watcher reads when the thread does not come back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gpunode_probe_protocol::gpu::Stuck;

/// The call that one thread makes now, or made last.
pub(crate) struct Slot(Mutex<Current>);

struct Current {
    call: &'static str,
    gpu: Option<(u32, Option<String>)>,
    since: Instant,
    done: bool,
}

impl Slot {
    /// For a thread that is about to make `call`.
    pub(crate) fn new(call: &'static str) -> Self {
        Self(Mutex::new(Current { call, gpu: None, since: Instant::now(), done: false }))
    }

    /// The thread is about to make `call`.
    pub(crate) fn enter(&self, call: &'static str) {
        let mut current = self.lock();
        current.call = call;
        current.since = Instant::now();
        current.done = false;
    }

    /// The thread has nothing more to do.
    pub(crate) fn rest(&self) {
        self.lock().done = true;
    }

    /// How long the thread has been in its call; `None` where it has nothing to do.
    pub(crate) fn busy_for(&self) -> Option<Duration> {
        let current = self.lock();
        (!current.done).then(|| current.since.elapsed())
    }

    /// The calls from now on are about this GPU (index and, where known, PCI address), or about none.
    pub(crate) fn about(&self, gpu: Option<(u32, Option<String>)>) {
        self.lock().gpu = gpu;
    }

    /// Since when the thread has been in this call, if it is in it.
    pub(crate) fn in_call(&self, call: &str) -> Option<Instant> {
        let current = self.lock();
        (!current.done && current.call == call).then_some(current.since)
    }

    /// The call as it is told to who waits.
    pub(crate) fn stuck(&self) -> Stuck {
        let current = self.lock();
        let (index, pci) = current.gpu.clone().map_or((None, None), |(index, pci)| (Some(index), pci));
        let for_ms = u32::try_from(current.since.elapsed().as_millis()).unwrap_or(u32::MAX);
        Stuck { call: current.call.into(), pci, index, for_ms }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
