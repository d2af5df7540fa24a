//! How a source's thread is woken: because somebody wants a look at once, or because it is to end.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

/// A bell that one thread listens to. A descriptor, so that the thread can wait for others along with it.
#[derive(Clone, Debug)]
pub(crate) struct Bell(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rings: EventFd,
    wanted: AtomicBool,
    over: AtomicBool,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let rings = EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        Ok(Self(Arc::new(Inner { rings, wanted: false.into(), over: false.into() })))
    }

    /// Somebody wants a look at once. Rings before it is answered count as one.
    pub(crate) fn ring(&self) {
        if !self.0.wanted.swap(true, Ordering::AcqRel) {
            self.wake();
        }
    }

    /// The thread is to end.
    pub(crate) fn end(&self) {
        self.0.over.store(true, Ordering::Release);
        self.wake();
    }

    /// Whether the thread is to end.
    pub(crate) fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Acquire)
    }

    /// Whether it rang since this was asked last.
    pub(crate) fn take(&self) -> bool {
        self.0.wanted.swap(false, Ordering::AcqRel)
    }

    /// Whether it has rung and nobody has answered yet.
    pub(crate) fn has_rung(&self) -> bool {
        self.0.wanted.load(Ordering::Acquire)
    }

    /// Waits until it rings or until `until`.
    pub(crate) fn wait(&self, until: Instant) {
        self.wait_with(None, until);
    }

    /// Waits until it rings, until `other` is readable or closed, or until `until`; `true` for `other`.
    pub(crate) fn wait_with(&self, other: Option<BorrowedFd<'_>>, until: Instant) -> bool {
        let time = until.saturating_duration_since(Instant::now());
        // Rounded up, so that the last millisecond is not spent spinning.
        let timeout = PollTimeout::try_from(time.as_millis().saturating_add(1)).unwrap_or(PollTimeout::MAX);
        let timeout = if time.is_zero() { PollTimeout::ZERO } else { timeout };
        let mut fds = vec![PollFd::new(self.0.rings.as_fd(), PollFlags::POLLIN)];
        fds.extend(other.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        // A signal, or no memory in the kernel: the caller looks at the time and waits again.
        let _ = poll(&mut fds, timeout);
        let ready = fds.get(1).and_then(PollFd::any).unwrap_or(false);
        // Empty again: rings are in `wanted`.
        let _ = self.0.rings.read();
        ready
    }

    fn wake(&self) {
        // It fails only when its counter is full, and then it rings already.
        let _ = self.0.rings.write(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn many_rings_are_one_and_wake_who_waits() {
        let bell = Bell::new().unwrap();
        let listener = bell.clone();
        let far = Instant::now() + Duration::from_secs(600);
        let thread = std::thread::spawn(move || {
            while !listener.is_over() {
                listener.wait(far);
            }
            (listener.take(), listener.take())
        });
        for _ in 0..10 {
            bell.ring();
        }
        assert!(bell.has_rung());
        bell.end();
        assert_eq!(thread.join().unwrap(), (true, false));
    }
}
