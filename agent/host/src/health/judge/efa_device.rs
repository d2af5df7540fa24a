//! What the devices' own counters show, every second.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::efa::counters::Counter;
use crate::efa::{DeviceSample, SampleState};
use crate::health::{EfaDevice, EfaName, Now, Sighting, Subject, rules};

/// A minute, see [`rules::EFA_COMMAND_ERRORS`].
const ERRORS: u64 = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// A keep-alive is missed after so many of the longest spans that were seen between two, or of a device that has no
/// siblings to compare with, after twice as many.
const SPANS: u32 = 5;
/// Spans to learn from before anything is said.
const LEARNT: u32 = 3;
/// Samples come every second, so shorter spans cannot be told apart.
const SHORTEST: Duration = Duration::from_secs(2);

/// What earlier samples showed.
#[derive(Debug, Default)]
pub struct EfaDevices {
    past: BTreeMap<String, Past>,
}

#[derive(Debug, Default)]
struct Past {
    incarnation: u32,
    errors: Option<(Duration, u64)>,
    alive: Alive,
}

/// The keep-alive of one device.
#[derive(Debug, Default)]
struct Alive {
    value: Option<u64>,
    moved: Duration,
    longest: Duration,
    learnt: u32,
}

/// One device of a sample, with its names.
pub struct Device<'a> {
    /// What it is called.
    pub device: &'a EfaDevice,
    /// What was read.
    pub sample: &'a DeviceSample,
}

/// The signs of one device; `None` where its counters could not be read, so that nothing is known.
pub type Signs<'a> = (&'a EfaDevice, Option<Vec<Sighting>>);

impl EfaDevices {
    /// The devices that are there, by PCI address. What is known of others is forgotten.
    pub fn keep(&mut self, there: impl Fn(&str) -> bool) {
        self.past.retain(|pci, _| there(pci));
    }

    /// The signs of one sample, for each device that is in it.
    pub fn judge<'a>(&mut self, now: Now, devices: &[Device<'a>]) -> Vec<Signs<'a>> {
        for Device { device, sample } in devices {
            let pci = &device.name.pci;
            if !self.past.contains_key(pci) {
                self.past.insert(pci.clone(), Past::default());
            }
            let Some(past) = self.past.get_mut(pci) else { continue };
            if past.incarnation != sample.incarnation {
                *past = Past { incarnation: sample.incarnation, ..Past::default() };
            }
            past.alive.next(now, sample.counters.get(Counter::KeepAliveRcvd));
        }
        devices.iter().map(|sampled| (sampled.device, self.one(now, sampled))).collect()
    }

    fn one(&mut self, now: Now, device: &Device<'_>) -> Option<Vec<Sighting>> {
        let Device { device: EfaDevice { name, .. }, sample } = device;
        if sample.state != SampleState::Read {
            return None;
        }
        let subject = || Subject::Efa(name.clone());
        let mut sightings = Vec::new();
        if sample.counters.get(Counter::NoCompletionCmds).is_some_and(|count| count > 0) {
            let message = "the card left a command of the driver unanswered (no_completion_cmds)";
            sightings.push(Sighting::new(&rules::EFA_ADMIN_TIMEOUT, subject(), message));
        }
        let alone = self.past.len() == 1;
        let spans = if alone { 2 * SPANS } else { SPANS };
        // Its own moved at `since`, so it is none of those that moved later.
        if let Some(since) = self.past.get(&name.pci)?.alive.stalled(now, spans)
            && (alone || self.past.values().any(|sibling| sibling.alive.moved > since))
        {
            let message = "no keep-alive from the card any more (keep_alive_rcvd)";
            sightings.push(Sighting::new(&rules::EFA_KEEP_ALIVE_STALLED, subject(), message));
        }
        let past = self.past.get_mut(&name.pci)?;
        if past.many_errors(now, sample.counters.get(Counter::CmdsErr)) {
            let message = format!("the card refuses more than {ERRORS} commands a minute (cmds_err)");
            sightings.push(Sighting::new(&rules::EFA_COMMAND_ERRORS, subject(), message));
        }
        Some(sightings)
    }
}

/// The sign of files that do not come back: the driver's own counters, or what else it says of the device.
pub fn hangs(name: &EfaName) -> Sighting {
    let message = "files of its driver do not come back in time";
    Sighting::new(&rules::EFA_DRIVER_HANGS, Subject::Efa(name.clone()), message)
}

impl Past {
    /// Within a minute from its first sample, more than [`ERRORS`] were counted.
    fn many_errors(&mut self, now: Now, value: Option<u64>) -> bool {
        let Some(value) = value else { return false };
        let (began, first) = *self.errors.get_or_insert((now.boot, value));
        let many = value.checked_sub(first).is_some_and(|grew| grew > ERRORS);
        if now.since(began) >= MINUTE || value < first {
            self.errors = Some((now.boot, value));
        }
        many
    }
}

impl Alive {
    fn next(&mut self, now: Now, value: Option<u64>) {
        if self.value == value || value.is_none() {
            return;
        }
        // The first step began before anybody looked.
        if self.value.is_some() {
            if self.moved > Duration::ZERO {
                self.longest = self.longest.max(now.since(self.moved)).max(SHORTEST);
                self.learnt += 1;
            }
            self.moved = now.boot;
        }
        self.value = value;
    }

    /// Since when it has stood still for too long.
    fn stalled(&self, now: Now, spans: u32) -> Option<Duration> {
        (self.learnt >= LEARNT && now.since(self.moved) > self.longest * spans).then_some(self.moved)
    }
}
