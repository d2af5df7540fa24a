//! When each subject is read: decided without threads and without a clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often, and how long a read may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Each subject is read once in this time.
    pub period: Duration,
    /// A read that takes longer is reported as stalled.
    pub deadline: Duration,
    /// The mean time between two reads of any subjects is at least this; with many subjects the period grows.
    pub gap: Duration,
    /// Reads begin at multiples of this within the period, some of them together: whoever starts them wakes up that
    /// much less often. Zero: each at its own time.
    pub step: Duration,
}

/// A read that is late on a busy machine is looked at again after this part of the deadline.
const AGAIN: u32 = 8;

/// A subject's place.
#[derive(Debug)]
struct Slot {
    name: Arc<str>,
    due: Instant,
    busy: Option<Busy>,
    /// The subject went away while its read was under way; the place is free when the read comes back.
    gone: bool,
}

#[derive(Clone, Copy, Debug)]
struct Busy {
    since: Instant,
    told: bool,
    /// When it is to be looked at: when the deadline is over, and some time later where the read is late by no fault of its
    /// subject.
    look: Instant,
}

/// The places of all subjects. A place keeps its number, and with it its phase, while its subject is there.
#[derive(Debug)]
pub(super) struct Schedule {
    timing: Timing,
    origin: Instant,
    slots: Vec<Option<Slot>>,
}

impl Schedule {
    pub(super) fn new(timing: Timing, origin: Instant) -> Self {
        Self { timing, origin, slots: Vec::new() }
    }

    /// Makes the subjects these. Returns those that can be forgotten now; one whose read is under way stays.
    pub(super) fn sync(&mut self, names: &[Arc<str>], now: Instant) -> Vec<Arc<str>> {
        let mut forgotten = Vec::new();
        for place in &mut self.slots {
            let Some(slot) = place else { continue };
            slot.gone = !names.contains(&slot.name);
            if slot.gone && slot.busy.is_none() {
                forgotten.push(Arc::clone(&slot.name));
                *place = None;
            }
        }
        let mut added = Vec::new();
        for name in names {
            if self.slots.iter().flatten().all(|slot| slot.name != *name) {
                added.push(self.add(Arc::clone(name), now));
            }
        }
        // Only now is the period known.
        for index in added {
            let due = self.next(index, now);
            self.slots[index].iter_mut().for_each(|slot| slot.due = due);
        }
        forgotten
    }

    fn add(&mut self, name: Arc<str>, due: Instant) -> usize {
        let index = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        let slot = Some(Slot { name, due, busy: None, gone: false });
        match self.slots.get_mut(index) {
            Some(place) => *place = slot,
            None => self.slots.push(slot),
        }
        index
    }

    /// The subjects whose time has come; each is under way from now on.
    pub(super) fn start(&mut self, now: Instant) -> Vec<Arc<str>> {
        let due = |slot: &&mut Slot| slot.busy.is_none() && !slot.gone && slot.due <= now;
        let look = now + self.timing.deadline;
        let begin = |slot: &mut Slot| {
            slot.busy = Some(Busy { since: now, told: false, look });
            Arc::clone(&slot.name)
        };
        self.slots.iter_mut().flatten().filter(due).map(begin).collect()
    }

    /// The reads that passed their deadline, stand by themselves and were not told of yet, with their beginnings.
    pub(super) fn overdue(
        &mut self,
        now: Instant,
        stands: impl Fn(&Arc<str>) -> bool,
    ) -> Vec<(Arc<str>, Instant)> {
        let deadline = self.timing.deadline;
        let late = |slot: &mut Slot| {
            let busy = slot.busy.as_mut().filter(|busy| !busy.told && now >= busy.since + deadline)?;
            busy.told = stands(&slot.name);
            busy.look = now + deadline / AGAIN;
            busy.told.then(|| (Arc::clone(&slot.name), busy.since))
        };
        self.slots.iter_mut().flatten().filter_map(late).collect()
    }

    /// A read came back. Says whether its subject is still wanted.
    pub(super) fn finish(&mut self, name: &str, now: Instant) -> bool {
        let Some(index) = self.slots.iter().position(|slot| slot.as_ref().is_some_and(|s| &*s.name == name))
        else {
            return false;
        };
        let due = self.next(index, now);
        let place = &mut self.slots[index];
        let Some(slot) = place.as_mut().filter(|slot| !slot.gone) else {
            *place = None;
            return false;
        };
        slot.busy = None;
        slot.due = due;
        true
    }

    /// The reads under way that were reported as stalled.
    pub(super) fn stalled(&self) -> impl Iterator<Item = (&str, Instant)> {
        self.slots
            .iter()
            .flatten()
            .filter_map(|slot| slot.busy.filter(|busy| busy.told).map(|busy| (&*slot.name, busy.since)))
    }

    /// When something is to be done next: a read to start, or a deadline.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        let wake = |slot: &Slot| match slot.busy {
            None => Some(slot.due),
            Some(busy) if busy.told => None,
            Some(busy) => Some(busy.look),
        };
        self.slots.iter().flatten().filter_map(wake).min()
    }

    /// How long it takes until every subject was read once.
    pub(super) fn period(&self) -> Duration {
        let count = u32::try_from(self.slots.iter().flatten().count()).unwrap_or(u32::MAX);
        self.timing.period.max(self.timing.gap.saturating_mul(count))
    }

    /// The first time after `now` that belongs to the place `index`. Its phase within the period is the place's
    /// number with its bits in reverse order: 0, 1/2, 1/4, 3/4, … So any number of places is spread evenly, and no
    /// place moves when another comes or goes.
    fn next(&self, index: usize, now: Instant) -> Instant {
        let period = self.period().as_nanos().max(1);
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let phase = (period * u128::from(number.reverse_bits())) >> 32;
        let phase = phase - phase.checked_rem(self.timing.step.as_nanos()).unwrap_or(0);
        let elapsed = now.saturating_duration_since(self.origin).as_nanos();
        let rounds = if elapsed < phase { 0 } else { (elapsed - phase) / period + 1 };
        let after = u64::try_from(phase + rounds * period).unwrap_or(u64::MAX);
        self.origin + Duration::from_nanos(after)
    }
}
