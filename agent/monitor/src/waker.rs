//! How another thread ends [`Monitor::next`](crate::Monitor::next).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use crate::feed::Message;

/// Ends [`Monitor::next`](crate::Monitor::next) from another thread, at once. Never waits.
#[derive(Clone, Debug)]
pub struct Waker {
    wanted: Arc<AtomicBool>,
    messages: SyncSender<Message>,
}

impl Waker {
    pub(crate) fn new(messages: SyncSender<Message>) -> Self {
        Self { wanted: Arc::default(), messages }
    }

    /// Ends the wait that is going on, or else the next one. Calls that come before it ends count as one.
    pub fn wake(&self) {
        if !self.wanted.swap(true, Ordering::AcqRel) {
            // Where there is no room, there is something to be taken in, and the flag is looked at after it.
            let _ = self.messages.try_send(Message::Wake);
        }
    }

    pub(crate) fn take(&self) -> bool {
        self.wanted.swap(false, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn many_calls_are_one_message_and_a_full_channel_keeps_nobody() {
        let (sender, messages) = sync_channel(1);
        let waker = Waker::new(sender);
        for _ in 0..10 {
            waker.wake();
        }
        assert!(waker.take() && !waker.take());
        waker.wake();
        assert!(waker.take(), "the channel is full, and the flag is up");
        assert_eq!(messages.try_iter().count(), 1);
    }
}
