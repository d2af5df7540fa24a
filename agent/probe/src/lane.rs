//! A thread that calls one library for one kind of question, one question at a time.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::Builder;

use crate::slot::Slot;

/// Address space of a thread's stack; only what a library touches of it becomes memory.
const STACK: usize = 1 << 20;

/// The asking end.
pub(crate) struct Lane<J> {
    mailbox: Arc<Mailbox<J>>,
    /// The call that the thread is in.
    pub(crate) slot: Arc<Slot>,
}

/// Room for one job: a newer one takes its place, since nobody waits for the older any more.
pub(crate) struct Mailbox<J> {
    job: Mutex<Option<J>>,
    arrived: Condvar,
}

impl<J: Send + 'static> Lane<J> {
    /// Starts the thread; `work` takes jobs from the mailbox for ever.
    pub(crate) fn start(
        name: &str,
        slot: Slot,
        work: impl FnOnce(&Mailbox<J>, &Arc<Slot>) + Send + 'static,
    ) -> io::Result<Self> {
        let mailbox = Arc::new(Mailbox { job: Mutex::new(None), arrived: Condvar::new() });
        let lane = Self { mailbox: mailbox.clone(), slot: Arc::new(slot) };
        let slot = lane.slot.clone();
        spawn(name, move || work(&mailbox, &slot))?;
        Ok(lane)
    }

    /// Leaves a job for the thread.
    pub(crate) fn give(&self, job: J) {
        *self.mailbox.job.lock().unwrap_or_else(PoisonError::into_inner) = Some(job);
        self.mailbox.arrived.notify_one();
    }
}

impl<J> Mailbox<J> {
    /// Waits for the next job.
    pub(crate) fn take(&self) -> J {
        let mut job = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = job.take() {
                return job;
            }
            job = self.arrived.wait(job).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next job, if it comes within `time`.
    pub(crate) fn take_within(&self, time: std::time::Duration) -> Option<J> {
        let job = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.arrived.wait_timeout_while(job, time, |job| job.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.take()
    }
}

/// Starts a thread with a small stack.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    Builder::new().name(name.into()).stack_size(STACK).spawn(work).map(drop)
}
