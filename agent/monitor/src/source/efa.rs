//! EFA devices: which there are, what each driver counts of them, and whether anybody holds one. Nothing here asks a card.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gpunode_host::efa::{Observation, Observer, SamplerApart};
use gpunode_host::health::{Seen, Source};
use gpunode_host::rdma;

use super::{PATIENCE, Place};
use crate::bell::Bell;
use crate::feed::Over;
use crate::gate::First;

/// What the driver counts is plain memory; a sample of it all takes a fraction of a millisecond.
const PATIENCE_WITH_MEMORY: Duration = Duration::from_secs(1);

/// Samples every second, and looks which devices there are every ten. `others` are rung when they change.
pub(crate) fn run(place: &Place, others: &[Bell]) -> Result<(), Over> {
    let (root, periods) = (&place.settings.root, place.settings.periods);
    // Whether two drivers go together depends on their versions.
    place.gate.wait(&[First::Versions], PATIENCE);
    let (mut observer, mut sampler) = (Observer::new(root.clone()), SamplerApart::new(root.clone()));
    let (mut look, mut sample) = (Instant::now(), Instant::now());
    while !place.bell.is_over() {
        let asked = place.bell.take();
        if asked || Instant::now() >= look {
            look = Instant::now() + periods.devices;
            let seen = match observer.look() {
                Ok(seen) => seen,
                Err(error) => {
                    place.feed.saw(Seen::Unseen(Source::EfaDevices, error.words()))?;
                    place.gate.open(First::Efa);
                    continue;
                }
            };
            let names = names(&seen);
            sampler.sync(seen.devices.iter().map(|device| device.name.clone()).collect());
            let held = held(&names);
            place.feed.saw(Seen::Efa(Box::new(seen)))?;
            if place.devices.set(names) {
                others.iter().for_each(Bell::ring);
            }
            place.gate.open(First::Efa);
            place.feed.saw(Seen::EfaHeld(held))?;
        }
        if Instant::now() >= sample {
            if !place.devices.is_empty()
                && let Some(samples) = sampler.sample(PATIENCE_WITH_MEMORY)
            {
                place.feed.saw(Seen::EfaDevices(samples))?;
            }
            sample = next(sample, periods.efa_counters);
        }
        place.bell.wait(look.min(sample));
    }
    Ok(())
}

/// The devices' names.
pub(crate) fn names(seen: &Observation) -> Vec<Arc<str>> {
    seen.devices.iter().map(|device| device.name.as_str().into()).collect()
}

/// Whether a program holds queue pairs of any of these. Without devices nobody does.
pub(crate) fn held(devices: &[Arc<str>]) -> Option<bool> {
    if devices.is_empty() {
        return Some(false);
    }
    rdma::queue_pairs::held(devices)
}

/// The next time in step with `before`; those that were missed are left out.
fn next(before: Instant, period: Duration) -> Instant {
    let now = Instant::now();
    let next = before + period;
    if next > now { next } else { now + period }
}
