//! A sweep in progress: the threads that look put their findings on it, the main thread can take it as it is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::gpu::{Entry, Sweep, System};

use crate::nvml::Session;
use crate::slot::Slot;
use crate::sweep::Skip;

/// A sweep in progress.
pub(crate) struct Board {
    /// The request's.
    pub(crate) id: u32,
    /// GPUs that are not to be touched.
    pub(crate) skip: Skip,
    /// Also what is slow to read.
    pub(crate) slow: bool,
    state: Mutex<State>,
}

struct State {
    started: Instant,
    /// What the helpers work with; `None` until the library is ready.
    session: Option<Arc<Session>>,
    sweep: Sweep,
    count: u32,
    next: u32,
    /// Nobody waits for the rest any more.
    over: bool,
    /// One a thread that looks.
    slots: Vec<Arc<Slot>>,
}

impl Board {
    /// For one thread, whose calls are seen in `first`.
    pub(crate) fn new(id: u32, skip: Vec<String>, slow: bool, first: Arc<Slot>) -> Self {
        let state = State {
            started: Instant::now(),
            session: None,
            sweep: Sweep::default(),
            count: 0,
            next: 0,
            over: false,
            slots: vec![first],
        };
        Self { id, skip: Skip::new(skip), slow, state: Mutex::new(state) }
    }

    /// The library is ready, and this is what it says of itself.
    pub(crate) fn begin(&self, session: Arc<Session>, system: System, count: Reading<u32>) {
        let mut state = self.lock();
        state.session = Some(session);
        state.sweep.system = system;
        state.count = count.value().copied().unwrap_or(0);
        state.sweep.count = count;
    }

    /// The library, for one more thread whose calls are seen in `slot`; `None` when there is nothing left to look at.
    pub(crate) fn join(&self, slot: Arc<Slot>) -> Option<Arc<Session>> {
        let mut state = self.lock();
        let session = state.session.clone().filter(|_| state.next < state.count)?;
        state.slots.push(slot);
        Some(session)
    }

    /// How many GPUs there are.
    pub(crate) fn count(&self) -> u32 {
        self.lock().count
    }

    /// The next GPU that nobody has looked at.
    pub(crate) fn next(&self) -> Option<u32> {
        let mut state = self.lock();
        let index = state.next;
        (index < state.count && !state.over).then(|| state.next = index + 1)?;
        Some(index)
    }

    /// Adds microseconds of CPU time.
    pub(crate) fn cost(&self, cpu_us: u64) {
        self.lock().sweep.cpu_us += cpu_us;
    }

    /// Adds a GPU and what it cost in microseconds of CPU time.
    pub(crate) fn put(&self, entry: Entry, cpu_us: u64) {
        let mut state = self.lock();
        state.sweep.gpus.push(entry);
        state.sweep.cpu_us += cpu_us;
    }

    /// The whole sweep, for whoever put the last entry.
    pub(crate) fn finish(&self) -> Option<Sweep> {
        let mut state = self.lock();
        let complete = state.sweep.gpus.len() == state.count as usize && !state.over;
        complete.then(|| state.take())
    }

    /// What there is, and the call that is to blame: the one that has lasted longest.
    pub(crate) fn give_up(&self) -> Sweep {
        let mut state = self.lock();
        let mut sweep = state.take();
        state.over = true;
        sweep.stuck = state.slots.iter().max_by_key(|slot| slot.busy_for()).map(|slot| slot.stuck());
        sweep
    }

    /// How long the youngest of the calls that are being made has lasted.
    pub(crate) fn idle_for(&self) -> Duration {
        self.lock().slots.iter().filter_map(|slot| slot.busy_for()).min().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Sweep {
        let mut sweep = std::mem::take(&mut self.sweep);
        sweep.gpus.sort_by_key(Entry::index);
        sweep.took_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        sweep
    }
}
