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

/// A look takes five milliseconds. Files that take longer are heard of in a later one: the counters are sampled in between.
const PATIENCE_WITH_FILES: Duration = Duration::from_millis(100);

/// Samples every second, and looks which devices there are every ten. `others` are rung when they change.
pub(crate) fn run(place: &Place, others: &[Bell]) -> Result<(), Over> {
    let (root, periods) = (&place.settings.root, place.settings.periods);
    // Whether two drivers go together depends on their versions.
    place.gate.wait(&[First::Versions], PATIENCE);
    let deadline = place.settings.deadlines.efa_port;
    let mut observer = Observer::new(root.clone(), deadline);
    let mut sampler = SamplerApart::new(root.clone());
    let (mut look, mut sample, mut late) = (Instant::now(), Instant::now(), None);
    while !place.bell.is_over() {
        let asked = place.bell.take();
        if asked || Instant::now() >= look {
            look = Instant::now() + periods.devices;
            let seen = match observer.look(PATIENCE_WITH_FILES) {
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
            look = sooner(look, observer.next_deadline());
        }
        if Instant::now() >= sooner(sample, late) {
            if !place.devices.is_empty() {
                let read = sampler.sample(deadline);
                if !read.is_empty() {
                    place.feed.saw(Seen::EfaDevices(read))?;
                }
            }
            late = sampler.next_deadline(deadline);
            if Instant::now() >= sample {
                sample = next(sample, periods.efa_counters);
            }
        }
        place.bell.wait(look.min(sooner(sample, late)));
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

fn sooner(time: Instant, other: Option<Instant>) -> Instant {
    other.map_or(time, |other| other.min(time))
}

/// The next time in step with `before`; those that were missed are left out.
fn next(before: Instant, period: Duration) -> Instant {
    let now = Instant::now();
    let next = before + period;
    if next > now { next } else { now + period }
}
