//! Keeps the findings: when signs become one, and when one goes away.

mod entry;
mod saved;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use saved::Saved;

use super::{Kind, Now, Present, Sighting, Source, Subject};
use crate::finding::Clears;
use entry::Entry;

/// What happened to the findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is a new one.
    Appeared(Present),
    /// What it says has changed, or its source fell silent or came back.
    Altered(Present),
    /// It is over.
    Gone(Present),
}

/// By rule code, then by the subject's kind and id.
type Key = (&'static str, Kind, String);

/// All findings of this boot, and the signs that may become some.
#[derive(Debug, Default)]
pub struct Engine {
    entries: BTreeMap<Key, Entry>,
    silent: BTreeSet<Source>,
    changes: Vec<Change>,
    /// Whether one look is enough.
    at_once: bool,
}

impl Engine {
    /// For who looks once: what must be seen in several looks, or for some time, counts at the first.
    pub fn at_once() -> Self {
        Self { at_once: true, ..Self::default() }
    }

    /// One whole look at `source`: what it showed before and does not show now has gone.
    pub fn look(&mut self, now: Now, source: &Source, sightings: Vec<Sighting>) {
        self.look_at(now, source, sightings, |_| true);
    }

    /// A look at those subjects of `source` that `covers` says yes to; what it does not show of others may still be
    /// there.
    pub fn look_at(
        &mut self,
        now: Now,
        source: &Source,
        sightings: Vec<Sighting>,
        covers: impl Fn(&Subject) -> bool,
    ) {
        self.silent.remove(source);
        // Nearly every look, and 32 a second.
        if sightings.is_empty() && !self.entries.values().any(|entry| entry.source == *source) {
            return;
        }
        let mut seen = BTreeSet::new();
        for sighting in sightings {
            let key = key(&sighting);
            if seen.insert(key.clone()) {
                self.sign(now, source, key, sighting, false);
            }
        }
        let quiet = |key: &Key, entry: &Entry| {
            entry.source == *source && !entry.event && !seen.contains(key) && covers(&entry.subject)
        };
        // What is no finding yet begins anew: its row is broken.
        self.drop_where(|key, entry| quiet(key, entry) && entry.over_without_sign(now));
    }

    /// `source`, which says what happens and not what is, can be heard.
    pub fn heard(&mut self, source: &Source) {
        self.silent.remove(source);
    }

    /// Something that is seen once, when it happens.
    pub fn happened(&mut self, now: Now, source: &Source, sighting: Sighting) {
        let key = key(&sighting);
        self.sign(now, source, key, sighting, true);
    }

    /// `subject` was reset: by a reset of the GPU, or because its driver started it anew.
    pub fn reset(&mut self, subject: &Subject) {
        self.drop_where(|_, entry| {
            entry.event
                && entry.subject == *subject
                && matches!(entry.rule.clears, Clears::GpuReset | Clears::DriverReload)
        });
    }

    /// What was seen of `sighting` was another thing's sign.
    pub fn withdraw(&mut self, sighting: &Sighting) {
        let withdrawn = key(sighting);
        self.drop_where(|key, entry| entry.event && *key == withdrawn);
    }

    /// The GPUs' driver was loaded anew: every GPU begins anew.
    pub fn gpu_driver_loaded(&mut self) {
        self.drop_where(|key, entry| {
            key.1 == Kind::Gpu && entry.event && entry.rule.clears == Clears::GpuReset
        });
    }

    /// `source` no longer says anything; what it showed stays, and is marked as not known to be true any more.
    pub fn silent(&mut self, source: &Source) {
        self.silent.insert(source.clone());
        for entry in self.entries.values_mut().filter(|entry| entry.source == *source && !entry.event) {
            if entry.set_stale(true) {
                self.changes.push(Change::Altered(entry.present()));
            }
        }
    }

    /// `source` does not exist any more, nor does what it showed: a device was taken away.
    pub fn forget(&mut self, source: &Source) {
        self.silent.remove(source);
        self.drop_where(|_, entry| entry.source == *source);
    }

    /// Time passes: what happened long enough ago goes.
    pub fn tick(&mut self, now: Now) {
        self.drop_where(|_, entry| entry.event && entry.expired(now));
    }

    /// When the next finding goes by [`Engine::tick`], on the clock of [`Now::boot`].
    pub fn next_expiry(&self) -> Option<Duration> {
        self.entries.values().filter_map(Entry::expiry).min()
    }

    /// Every finding, worst first, then by subject and code.
    pub fn findings(&self) -> Vec<Present> {
        let mut all: Vec<_> = self.entries.values().filter(|entry| entry.open).map(Entry::present).collect();
        all.sort_by(|a, b| {
            let order = |p: &Present| (std::cmp::Reverse(p.severity), p.subject.kind());
            order(a).cmp(&order(b)).then_with(|| (a.subject.id(), a.code).cmp(&(b.subject.id(), b.code)))
        });
        all
    }

    /// The sources that have fallen silent.
    pub fn silent_sources(&self) -> impl Iterator<Item = &Source> {
        self.silent.iter()
    }

    /// What changed since this was asked last, in order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    fn sign(&mut self, now: Now, source: &Source, key: Key, sighting: Sighting, event: bool) {
        let entry = self.entries.entry(key).or_insert_with(|| Entry::new(source, &sighting, event));
        let (was_open, differs) = (entry.open, entry.sign(now, source, sighting, event, self.at_once));
        match (was_open, entry.open) {
            (false, true) => self.changes.push(Change::Appeared(entry.present())),
            (true, true) if differs => self.changes.push(Change::Altered(entry.present())),
            _ => {}
        }
    }

    fn drop_where(&mut self, over: impl Fn(&Key, &Entry) -> bool) {
        let changes = &mut self.changes;
        self.entries.retain(|key, entry| {
            let goes = over(key, entry);
            if goes && entry.open {
                changes.push(Change::Gone(entry.present()));
            }
            !goes
        });
    }
}

fn key(sighting: &Sighting) -> Key {
    (sighting.rule.code, sighting.subject.kind(), sighting.subject.id().to_owned())
}
