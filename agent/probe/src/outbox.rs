//! From the threads that call libraries to the one that speaks.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use gpunode_probe_protocol::message::{Message, Say};
use nix::sys::eventfd::{EfdFlags, EventFd};

/// Messages that may wait; who sends more waits too, which leaves a storm of events in NVML's own queue.
const ROOM: usize = 64;

/// The sending end; every thread has its own.
#[derive(Clone)]
pub(crate) struct Outbox {
    messages: SyncSender<Message>,
    bell: Arc<EventFd>,
}

/// The receiving end, with a descriptor that is readable when there is something.
pub(crate) struct Inbox {
    messages: Receiver<Message>,
    bell: Arc<EventFd>,
}

/// Both ends.
pub(crate) fn pair() -> io::Result<(Outbox, Inbox)> {
    let bell = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
    let (sender, receiver) = sync_channel(ROOM);
    Ok((Outbox { messages: sender, bell: bell.clone() }, Inbox { messages: receiver, bell }))
}

impl Outbox {
    /// Hands over a message; `id` is the request's, 0 for what was not asked for.
    pub(crate) fn send(&self, id: u32, say: Say) {
        // Either fails only when the process is ending: nobody is left to tell.
        let _ = self.messages.send(Message { id, say });
        let _ = self.bell.write(1);
    }
}

impl Inbox {
    /// The next message, where there is one. Asked until there is none after each ring of the bell.
    pub(crate) fn next(&self) -> Option<Message> {
        self.messages.try_recv().ok()
    }

    /// Makes the bell silent until the next message.
    pub(crate) fn hush(&self) {
        // It fails when the bell is silent already.
        let _ = self.bell.read();
    }
}

impl AsFd for Inbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
