//! One look at every GPU.

mod list;
mod look;

use std::ffi::OsString;
use std::io;
use std::sync::Arc;

use gpunode_probe_protocol::Reading;
use gpunode_probe_protocol::library::Unusable;
use gpunode_probe_protocol::message::Say;

use crate::board::Board;
use crate::lane::{self, Lane, Mailbox};
use crate::nvml::{self, Session, code};
use crate::os;
use crate::outbox::Outbox;
use crate::slot::Slot;
pub(crate) use list::Skip;

/// Starts the thread that looks.
pub(crate) fn lane(nvml: OsString, outbox: Outbox) -> io::Result<Lane<Arc<Board>>> {
    let slot = Slot::new("dlopen");
    Lane::start("gpus", slot, move |mailbox, slot| work(&nvml, &outbox, mailbox, slot))
}

fn work(nvml: &OsString, outbox: &Outbox, mailbox: &Mailbox<Arc<Board>>, slot: &Arc<Slot>) {
    let mut kept = None;
    loop {
        let board = mailbox.take();
        let cpu = os::thread_cpu_us();
        slot.about(None);
        match begin(&mut kept, nvml, &board, slot) {
            Ok(session) => {
                board.cost(os::thread_cpu_us().saturating_sub(cpu));
                drain(&board, &session, slot, outbox);
            }
            Err(unusable) => outbox.send(board.id, Say::Gpus(Err(unusable))),
        }
        slot.rest();
    }
}

/// Starts the library where that has not been done, and asks what it says of itself.
fn begin(
    kept: &mut Option<Arc<Session>>,
    nvml: &OsString,
    board: &Board,
    slot: &Slot,
) -> Result<Arc<Session>, Unusable> {
    if let Some(session) = kept.take() {
        let count = nvml::count(&session, slot);
        if !is_over(count) {
            board.begin(session.clone(), nvml::system(&session, slot), count);
            return Ok(kept.insert(session).clone());
        }
        // The driver was taken away under us, perhaps to be replaced: the library on disk may be another by now.
        if let Some(session) = Arc::into_inner(session) {
            session.close(slot);
        }
    }
    let session = Arc::new(Session::open(nvml, slot)?);
    let system = nvml::system(&session, slot);
    let count = nvml::count(&session, slot);
    board.begin(session.clone(), system, count);
    Ok(kept.insert(session).clone())
}

/// Codes after which the library must be started anew.
fn is_over(count: Reading<u32>) -> bool {
    let codes = [code::UNINITIALIZED, code::DRIVER_NOT_LOADED, code::LIB_RM_VERSION_MISMATCH];
    count.failed().is_some_and(|code| codes.contains(&code))
}

/// Starts another thread on the sweep, where there is a GPU left to look at.
pub(crate) fn help(board: &Arc<Board>, outbox: &Outbox) -> io::Result<()> {
    let slot = Arc::new(Slot::new("nvmlDeviceGetHandleByIndex_v2"));
    let Some(session) = board.join(slot.clone()) else { return Ok(()) };
    let (board, outbox) = (board.clone(), outbox.clone());
    lane::spawn("helper", move || {
        drain(&board, &session, &slot, &outbox);
        slot.rest();
    })
}

/// Looks at GPUs until none is left; who adds the last one hands in the sweep.
fn drain(board: &Board, session: &Session, slot: &Slot, outbox: &Outbox) {
    let mut cpu = os::thread_cpu_us();
    while let Some(index) = board.next() {
        let entry = look::at(board, session, slot, index);
        let now = os::thread_cpu_us();
        board.put(entry, now.saturating_sub(cpu));
        cpu = now;
    }
    if let Some(sweep) = board.finish() {
        outbox.send(board.id, Say::Gpus(Ok(Box::new(sweep))));
    }
}
