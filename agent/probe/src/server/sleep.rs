//! Where the main thread waits.

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Server, Waiting};
use crate::events;

/// What ended the sleep.
pub(super) enum Woken {
    /// The parent process has ended.
    Parent,
    /// There is something to read, or the other end is closed.
    Socket,
    /// Another thread has something to say.
    Bell,
    /// Something is due, perhaps.
    Time,
}

impl Server {
    /// Waits for whatever comes first; what comes at the same time is found at the next call.
    pub(super) fn sleep(&self) -> Result<Woken, String> {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut sources = vec![readable(self.inbox.as_fd()), readable(self.socket.as_fd())];
        sources.extend(self.parent.as_ref().map(|parent| readable(parent.as_fd())));
        match poll(&mut sources, self.time_left()) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(format!("poll: {error}")),
        }
        let ready = |index: usize| sources.get(index).is_some_and(|source| source.any().unwrap_or(false));
        Ok(match (ready(0), ready(1), ready(2)) {
            (true, _, _) => Woken::Bell,
            (_, true, _) => Woken::Socket,
            (_, _, true) => Woken::Parent,
            _ => Woken::Time,
        })
    }

    fn time_left(&self) -> PollTimeout {
        let events = self.events.as_ref().and_then(|lane| events::look_again(&lane.slot));
        let Some(next) = self.waiting.iter().map(Waiting::next).chain(events).min() else {
            return PollTimeout::NONE;
        };
        // Rounded up: waking a little early would only mean to sleep again.
        let left = next.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
    }
}
