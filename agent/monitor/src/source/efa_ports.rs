//! The counters of the EFA ports: each card is asked by a thread of its own, since a dead one holds its reader for half a
//! minute.

use std::time::{Duration, Instant};

use gpunode_host::efa::{PortEvent, PortReaders};
use gpunode_host::health::{Port, Seen};

use super::{PATIENCE, Place};
use crate::feed::Over;
use crate::gate::First;

/// How soon a device that appeared, or the end, is noticed.
const NOTICE: Duration = Duration::from_secs(1);

/// Reads them, evenly spread over the period.
pub(crate) fn run(place: &Place) -> Result<(), Over> {
    let (periods, deadline) = (place.settings.periods, place.settings.deadlines.efa_port);
    place.gate.wait(&[First::Efa], PATIENCE);
    let mut readers =
        PortReaders::new(place.settings.root.clone(), periods.efa_ports, deadline, Instant::now());
    let mut seen = 0;
    while !place.bell.is_over() {
        let now = Instant::now();
        if let Some(devices) = place.devices.newer(&mut seen) {
            readers.sync(&devices, now);
        }
        for event in readers.tick(now) {
            let (device, what) = match event {
                PortEvent::Read { device, reading, .. } => (device, Port::Read(reading)),
                PortEvent::Failed { device, failure, .. } => (device, Port::Failed(failure)),
                PortEvent::Stalled { device, .. } => (device, Port::Stalled(deadline)),
                // It is tried again in the next period; until then the source is as it was.
                PortEvent::NoThread { .. } => continue,
            };
            place.feed.saw(Seen::EfaPort { device, what })?;
        }
        let wake = readers.next_wake().map_or(now + NOTICE, |wake| wake.min(now + NOTICE));
        readers.wait(wake);
    }
    Ok(())
}
