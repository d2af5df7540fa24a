//! One GPU of a sweep.

use gpunode_probe_protocol::gpu::Entry;

use crate::board::Board;
use crate::nvml::{self, Session};
use crate::slot::Slot;

/// Looks at the GPU with this index.
pub(super) fn at(board: &Board, session: &Session, slot: &Slot, index: u32) -> Entry {
    let mut known = session.known(index);
    let listed = known.pci.clone().or_else(|| board.skip.address(index, board.count()));
    slot.about(Some((index, listed.clone())));
    if board.skip.has(index, listed.as_deref()) {
        return Entry::Skipped { index, pci: listed };
    }
    let (ask, pci) = match nvml::handle(session, slot, index) {
        Ok(found) => found,
        Err(code) => return Entry::Unreachable { index, pci: listed, code },
    };
    if known.pci.as_ref() != Some(&pci) {
        known = nvml::Known { pci: Some(pci.clone()), ..nvml::Known::default() };
        // At once: a call below may not come back, and then the address is what is known.
        session.remember(index, known.clone());
    }
    slot.about(Some((index, Some(pci.clone()))));
    if board.skip.has(index, Some(&pci)) {
        return Entry::Skipped { index, pci: Some(pci) };
    }
    let gpu = nvml::gpu(&ask, index, pci, &mut known, board.slow);
    session.remember(index, known);
    Entry::Read(Box::new(gpu))
}
