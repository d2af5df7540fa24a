//! What the cards' own counters show, each read every ten seconds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::efa::counters::Counter::{
    ImpairedRemoteConnEvents, RdmaReadWrErr, RdmaWriteWrErr, RetransPkts, RetransTimeoutEvents, RxBytes,
    RxDrops, RxPkts, TxBytes, TxPkts, UnresponsiveRemoteEvents,
};
use crate::efa::counters::{Counter, Counters, Delta};
use crate::efa::{PortFailure, PortReading};
use crate::health::{EfaName, Now, Rule, Sighting, Subject, rules};

/// A second, see the rules.
const DROPS: f64 = 100.0;
const RETRANSMITS: f64 = 100.0;
const TIMEOUTS: f64 = 10.0;
const REMOTE: f64 = 1.0;
/// Of the packets, see the rules.
const DROP_RATIO: f64 = 0.001;
const RETRANSMIT_RATIO: f64 = 0.01;
/// How many times the siblings' median.
const APART: f64 = 4.0;

/// `ENODEV`
const ENODEV: i32 = 19;
/// `ETIME`
const ETIME: i32 = 62;

/// What earlier readings showed.
#[derive(Debug, Default)]
pub struct EfaPorts {
    past: BTreeMap<Arc<str>, Past>,
}

#[derive(Debug)]
struct Past {
    at: Duration,
    incarnation: u32,
    counters: Counters,
    delta: Option<Delta>,
}

impl EfaPorts {
    /// The signs of one reading of one device.
    pub fn read(
        &mut self,
        now: Now,
        device: &Arc<str>,
        name: &EfaName,
        reading: &PortReading,
    ) -> Vec<Sighting> {
        let before = self.past.get(device).filter(|past| past.incarnation == reading.incarnation);
        let delta = before.map(|past| reading.counters.delta(&past.counters, now.since(past.at)));
        let past = Past {
            at: now.boot,
            incarnation: reading.incarnation,
            counters: reading.counters.clone(),
            delta: delta.clone(),
        };
        self.past.insert(Arc::clone(device), past);
        let Some(delta) = delta else { return Vec::new() };
        let mut signs = Signs { name, sightings: Vec::new() };
        self.apart(device, &delta, &mut signs);
        if [RdmaReadWrErr, RdmaWriteWrErr]
            .iter()
            .any(|counter| delta.by(*counter).is_some_and(|grew| grew > 0))
        {
            signs.sees(&rules::EFA_RDMA_ERRORS, "RDMA reads or writes failed");
        }
        let remote = rate(&delta, UnresponsiveRemoteEvents) + rate(&delta, ImpairedRemoteConnEvents);
        if remote > REMOTE {
            signs.sees(&rules::EFA_REMOTE_UNRESPONSIVE, "remote nodes do not answer, or slowly");
        }
        signs.sightings
    }

    /// The devices that are there. What is known of others is forgotten.
    pub fn keep(&mut self, there: impl Fn(&str) -> bool) {
        self.past.retain(|device, _| there(device));
    }

    /// Bytes that went over all devices between the last two readings of each; `None` before there are two.
    pub fn bytes_moved(&self) -> Option<u64> {
        let mut sum = None;
        for delta in self.past.values().filter_map(|past| past.delta.as_ref()) {
            let moved = delta.by(TxBytes)?.saturating_add(delta.by(RxBytes)?);
            sum = Some(moved.saturating_add(sum.unwrap_or(0)));
        }
        sum
    }

    /// What is bad only where it is worse than on the siblings: all cards of a node carry the same kind of traffic.
    fn apart(&self, device: &Arc<str>, delta: &Delta, signs: &mut Signs<'_>) {
        let (drops, again) = (rate(delta, RxDrops), rate(delta, RetransPkts));
        if drops > DROPS && drops > DROP_RATIO * rate(delta, RxPkts) && self.is_apart(device, RxDrops, drops)
        {
            signs.sees(&rules::EFA_DROPS, "received packets are dropped");
        }
        if again > RETRANSMITS
            && again > RETRANSMIT_RATIO * rate(delta, TxPkts)
            && self.is_apart(device, RetransPkts, again)
        {
            signs.sees(&rules::EFA_RETRANSMITS, "more than one packet in a hundred is sent again");
        }
        let timeouts = rate(delta, RetransTimeoutEvents);
        if timeouts > TIMEOUTS && self.is_apart(device, RetransTimeoutEvents, timeouts) {
            signs.sees(&rules::EFA_RETRANSMIT_TIMEOUTS, "packets time out and change their path");
        }
    }

    fn is_apart(&self, device: &Arc<str>, counter: Counter, is: f64) -> bool {
        let others = self.past.iter().filter(|(other, _)| *other != device);
        let mut rates: Vec<_> =
            others.filter_map(|(_, past)| past.delta.as_ref()).map(|delta| rate(delta, counter)).collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).is_none_or(|median| is >= APART * median)
    }
}

/// The signs of a reading that failed while the device is there; `None` where it says nothing about the card.
pub fn failed(name: &EfaName, failure: &PortFailure) -> Option<Vec<Sighting>> {
    let mut signs = Signs { name, sightings: Vec::new() };
    match failure.errno {
        Some(ENODEV) => signs.sees(&rules::EFA_QUEUE_CLOSED, "its command queue is closed (ENODEV)"),
        Some(ETIME) => {
            signs.sees(
                &rules::EFA_QUEUE_CLOSED,
                "a command ran into the driver's limit, which closes the queue",
            );
        }
        _ => return None,
    }
    Some(signs.sightings)
}

/// The sign of a reading that does not come back.
pub fn stalled(name: &EfaName, deadline: Duration) -> Sighting {
    let message = format!("it did not answer within {} ms", deadline.as_millis());
    Sighting::new(&rules::EFA_UNRESPONSIVE, Subject::Efa(name.clone()), message)
}

struct Signs<'a> {
    name: &'a EfaName,
    sightings: Vec<Sighting>,
}

impl Signs<'_> {
    fn sees(&mut self, rule: &'static Rule, message: &str) {
        self.sightings.push(Sighting::new(rule, Subject::Efa(self.name.clone()), message));
    }
}

/// 0 where it is not known: then there is no sign.
fn rate(delta: &Delta, counter: Counter) -> f64 {
    delta.rate(counter).unwrap_or(0.0)
}
