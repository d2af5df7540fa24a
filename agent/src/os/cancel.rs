//! Ends what a step has started: a flag for the step itself, and a SIGKILL for the process groups it waits for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

#[derive(Clone, Debug, Default)]
pub(crate) struct Cancel(Arc<State>);

#[derive(Debug, Default)]
struct State {
    set: AtomicBool,
    groups: Mutex<Vec<Pid>>,
}

impl Cancel {
    pub(crate) fn is_set(&self) -> bool {
        self.0.set.load(Ordering::Acquire)
    }

    /// Sets the flag and kills every process group that is registered.
    pub(crate) fn set(&self) {
        self.0.set.store(true, Ordering::Release);
        for group in self.groups().iter() {
            // ESRCH: it has just ended by itself.
            let _ = killpg(*group, Signal::SIGKILL);
        }
    }

    pub(super) fn register(&self, group: Pid) {
        self.groups().push(group);
        // The flag may have been set between the start of the process and this line.
        if self.is_set() {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }

    pub(super) fn forget(&self, group: Pid) {
        self.groups().retain(|known| *known != group);
    }

    fn groups(&self) -> std::sync::MutexGuard<'_, Vec<Pid>> {
        self.0.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
