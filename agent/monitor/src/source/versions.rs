//! Drivers and libraries.

use std::time::Instant;

use gpunode_host::health::Seen;
use gpunode_host::versions::Reader;

use super::Place;
use crate::feed::Over;
use crate::gate::First;

/// Reads them again and again.
pub(crate) fn run(place: &Place) -> Result<(), Over> {
    let mut reader = Reader::new(place.settings.root.clone());
    while !place.bell.is_over() {
        let began = Instant::now();
        place.bell.take();
        place.feed.saw(Seen::Versions(Box::new(reader.read())))?;
        place.gate.open(First::Versions);
        let until = began + place.settings.periods.versions;
        while Instant::now() < until && !place.bell.is_over() && !place.bell.has_rung() {
            place.bell.wait(until);
        }
    }
    Ok(())
}
