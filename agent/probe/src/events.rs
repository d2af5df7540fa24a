//! NVML's events, passed on as they come.

use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gpunode_probe_protocol::library::Unusable;
use gpunode_probe_protocol::message::{Registered, Say};

use crate::lane::{Lane, Mailbox};
use crate::nvml::{self, EventSet, Session, Waited, code};
use crate::outbox::Outbox;
use crate::slot::Slot;
use crate::sweep::Skip;

/// One wait; between two of them the thread sees whether it is wanted for something else.
const WAIT: Duration = Duration::from_secs(1);
/// A wait that takes longer does not come back.
const STUCK: Duration = Duration::from_secs(5);

/// A request for events.
pub(crate) struct Watch {
    /// The request's.
    pub(crate) id: u32,
    /// GPUs that are not to be registered, by PCI address or index.
    pub(crate) skip: Vec<String>,
}

/// Starts the thread that waits.
pub(crate) fn lane(nvml: OsString, outbox: Outbox) -> io::Result<Lane<Watch>> {
    let slot = Slot::new("dlopen");
    Lane::start("events", slot, move |mailbox, slot| {
        loop {
            let mut next = Some(mailbox.take());
            while let Some(watch) = next {
                next = serve(&watch, &nvml, &outbox, mailbox, slot);
            }
            slot.rest();
        }
    })
}

/// Registers and passes events on, until the waiting ends or the next request is there.
fn serve(
    watch: &Watch,
    nvml: &OsString,
    outbox: &Outbox,
    mailbox: &Mailbox<Watch>,
    slot: &Arc<Slot>,
) -> Option<Watch> {
    let session = match Session::open(nvml, slot) {
        Ok(session) => session,
        Err(unusable) => {
            outbox.send(watch.id, Say::Events(Err(unusable)));
            return None;
        }
    };
    let next = match register(watch, &session, slot) {
        Ok((set, registered)) => {
            // Before the answer is sent: who sends it then knows that there is a wait to look after.
            set.about_to_wait();
            outbox.send(watch.id, Say::Events(Ok(registered)));
            pass_on(&set, outbox, mailbox)
        }
        Err(code) => {
            let start = Unusable::Start { code: code.cast_signed(), message: "the event set".into() };
            outbox.send(watch.id, Say::Events(Err(start)));
            None
        }
    };
    session.close(slot);
    next
}

/// One GPU that cannot be registered does not keep the others out.
fn register<'a>(
    watch: &Watch,
    session: &'a Session,
    slot: &'a Slot,
) -> Result<(EventSet<'a>, Vec<Registered>), u32> {
    let skip = Skip::new(watch.skip.clone());
    let mut set = EventSet::new(session, slot)?;
    let count = nvml::count(session, slot).value().copied().unwrap_or(0);
    let mut registered = Vec::new();
    for index in 0..count {
        let listed = skip.address(index, count);
        slot.about(Some((index, listed.clone())));
        if skip.has(index, listed.as_deref()) {
            continue;
        }
        match nvml::handle(session, slot, index) {
            Ok((_, pci)) if skip.has(index, Some(&pci)) => {}
            Ok((gpu, pci)) => {
                slot.about(Some((index, Some(pci.clone()))));
                registered.push(set.add(&gpu, pci));
            }
            // Without an address there is nothing to say of it; the sweep has it as unreachable.
            Err(_) => {}
        }
    }
    slot.about(None);
    Ok((set, registered))
}

fn pass_on(set: &EventSet<'_>, outbox: &Outbox, mailbox: &Mailbox<Watch>) -> Option<Watch> {
    loop {
        let pause = match set.wait(WAIT) {
            Waited::Event(event) => {
                outbox.send(0, Say::Event(event));
                Duration::ZERO
            }
            Waited::Nothing => Duration::ZERO,
            // It may be said again at once, for as long as the GPU is lost; the others go on.
            Waited::Failed(code::GPU_IS_LOST) => WAIT,
            Waited::Failed(code) => {
                outbox.send(0, Say::EventsEnded(code));
                return None;
            }
        };
        let next = mailbox.take_within(pause);
        if next.is_some() {
            return next;
        }
    }
}

/// When to look whether a wait does not come back; `None` while there is no wait.
pub(crate) fn look_again(slot: &Slot) -> Option<Instant> {
    slot.in_call(nvml::WAIT).map(|since| since + STUCK)
}

/// What to say of a wait that does not come back; once for each.
pub(crate) fn end_if_stuck(slot: &Slot) -> Option<Say> {
    look_again(slot).filter(|end| *end <= Instant::now())?;
    slot.rest();
    Some(Say::EventsEnded(code::TIMEOUT))
}
