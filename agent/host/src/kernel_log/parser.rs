//! Records to events: who is heard, which parser is asked, and what is remembered between lines.

#[cfg(test)]
mod tests;

use super::nvrm::Nvrm;
use super::pcie::Pcie;
use super::tasks::Oom;
use super::{Entry, Event, Record, SxidEvent, efa, family, hardware, storage, sxid, tasks, xid};
use crate::pci_address::PciAddress;

/// The forms of one SXid stand this close together, in microseconds. Seen in public logs: 20 ms.
const SAME_SXID: u64 = 5_000_000;
/// So many SXids are remembered; a GPU that falls off the bus makes one on each of up to 6 switches.
const SXIDS: usize = 16;

/// Whose lines count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Speakers {
    /// The kernel's own: its mark cannot be forged.
    #[default]
    Kernel,
    /// Programs' too: anybody who may write to `/dev/kmsg` can make up a fault. For tests.
    Anybody,
}

/// Makes events of records. It remembers a few lines, since some messages go over several.
#[derive(Debug, Default)]
pub struct Parser {
    speakers: Speakers,
    nvrm: Nvrm,
    pcie: Pcie,
    oom: Oom,
    sxids: Vec<Said>,
}

/// An SXid whose first form was seen, or made up for.
#[derive(Debug)]
struct Said {
    switch: u16,
    pci: PciAddress,
    code: u32,
    at: u64,
}

impl Parser {
    /// A parser that hears `speakers`.
    pub fn new(speakers: Speakers) -> Self {
        Self { speakers, ..Self::default() }
    }

    /// What `record` says; `None` where that is nothing of interest, or somebody says it who is not heard.
    pub fn parse(&mut self, record: &Record<'_>) -> Option<Entry> {
        if !record.is_kernel() && self.speakers == Speakers::Kernel {
            return None;
        }
        let family = family::of(record.body())?;
        let event = self.event(family, &record.text(), record.microseconds)?;
        Some(Entry { sequence: record.sequence, microseconds: record.microseconds, event })
    }

    fn event(&mut self, family: family::Family, text: &str, at: u64) -> Option<Event> {
        use family::Family;
        match family {
            Family::Nvrm => match text.lines().find_map(xid::parse) {
                Some(xid) => Some(Event::Xid(xid)),
                None => self.nvrm.parse(text, at).map(Event::Nvrm),
            },
            Family::NvSwitch => self.sxid(text, at).map(Event::Sxid),
            Family::Rdma => efa::parse(text).map(Event::Efa),
            Family::Storage => storage::parse(text).map(Event::Storage),
            Family::Device => match efa::parse(text) {
                Some(efa) => Some(Event::Efa(efa)),
                None => self.pcie.parse(text, at).map(Event::Pcie),
            },
            Family::Hardware => hardware::parse(text).map(Event::Hardware),
            Family::Oom => self.oom.parse(text).map(Event::Oom),
            Family::Stuck => match tasks::hung(text) {
                Some(hung) => Some(Event::HungTask(hung)),
                None => tasks::lockup(text).map(Event::Lockup),
            },
        }
    }

    /// Further forms of an SXid are left out where its first one was seen. Where that was lost, one of them stands in.
    fn sxid(&mut self, text: &str, at: u64) -> Option<SxidEvent> {
        let sxid::Line { event, continues } = sxid::parse(text)?;
        self.sxids.retain(|said| at.saturating_sub(said.at) < SAME_SXID);
        let said = self
            .sxids
            .iter()
            .position(|said| said.switch == event.switch && said.pci == event.pci && said.code == event.code);
        if let Some(said) = said {
            self.sxids[said].at = at;
        } else {
            if self.sxids.len() == SXIDS {
                self.sxids.remove(0);
            }
            self.sxids.push(Said { switch: event.switch, pci: event.pci, code: event.code, at });
        }
        (said.is_none() || !continues).then_some(event)
    }
}
