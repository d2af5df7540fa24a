//! What libfabric lists of EFA, asked by a process that lives as long as the question.

use std::time::Instant;

use gpunode_host::health::{Seen, Source};
use gpunode_probe_client::{Outcome, Probe, Trouble};

use super::{PATIENCE, Place};
use crate::feed::Over;
use crate::gate::First;
use crate::state::State;
use crate::told::{self, Told};

/// Why nothing is asked.
pub(crate) const NO_DEVICE: &str = "there is no EFA device";

/// Asks again and again, as long as there are EFA devices.
pub(crate) fn run(place: &Place) -> Result<(), Over> {
    let mut probe = None;
    place.gate.wait(&[First::Efa], PATIENCE);
    while !place.bell.is_over() {
        let mut until = Instant::now() + place.settings.periods.libfabric;
        place.bell.take();
        if place.devices.is_empty() {
            probe = None;
            place.feed.state(Source::Libfabric, State::NotNeeded(NO_DEVICE.to_owned()))?;
        } else if let Some(again) = ask(place, &mut probe)? {
            until = until.min(again);
        }
        while Instant::now() < until && !place.bell.is_over() && !place.bell.has_rung() {
            place.bell.wait(until);
        }
    }
    Ok(())
}

/// Asks once; says when to ask again where that is sooner than as a rule.
fn ask(place: &Place, probe: &mut Option<Probe>) -> Result<Option<Instant>, Over> {
    let running = match probe.take().map_or_else(|| Probe::start(&place.settings.probe), Ok) {
        Ok(running) => probe.insert(running),
        Err(error) => {
            place.feed.saw(Seen::LibfabricProbe(told::not_started(&error)))?;
            return Ok(None);
        }
    };
    match running.interfaces(place.settings.deadlines.libfabric) {
        Outcome::Whole(listing) | Outcome::Partial(listing, _) => {
            place.feed.saw(Seen::Libfabric(Ok(listing.interfaces)))?;
        }
        Outcome::Nothing(Trouble::BackingOff { until, .. }) => return Ok(Some(until)),
        Outcome::Nothing(trouble) => {
            if let Some(seen) = Told::of_libfabric(&trouble) {
                place.feed.saw(seen)?;
            }
        }
    }
    Ok(None)
}
