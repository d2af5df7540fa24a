//! The counters of the EFA ports. A dead card holds its reader for half a minute; another reads the others then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gpunode_host::efa::PortReaders;
use gpunode_host::health::{Port, Seen};

use super::{PATIENCE, Place};
use crate::feed::Over;
use crate::gate::First;

/// How soon a card that was given up, and answers after all, is read again.
const NOTICE: Duration = Duration::from_secs(1);
/// Without devices there is nothing to do before the bell rings.
const IDLE: Duration = Duration::from_secs(3600);

/// Reads them, evenly spread over the period.
pub(crate) fn run(place: &Place) -> Result<(), Over> {
    let (periods, deadline) = (place.settings.periods, place.settings.deadlines.efa_port);
    place.gate.wait(&[First::Efa], PATIENCE);
    let (root, feed) = (place.settings.root.clone(), place.feed.clone());
    let tell = move |device: &Arc<str>, read| {
        let what = match read {
            Ok(reading) => Port::Read(Box::new(reading)),
            Err(failure) => Port::Failed(failure),
        };
        // Nobody listens any more: this thread's loop finds out by itself.
        let _ = feed.saw(Seen::EfaPort { device: Arc::clone(device), what });
    };
    let mut readers = PortReaders::telling(root, periods.efa_ports, deadline, Instant::now(), tell);
    let mut seen = 0;
    while !place.bell.is_over() {
        // It rings when devices come or go.
        place.bell.take();
        let now = Instant::now();
        if let Some(devices) = place.devices.newer(&mut seen) {
            readers.sync(&devices, now);
        }
        for device in readers.stalled_now(now) {
            place.feed.saw(Seen::EfaPort { device, what: Port::Stalled(deadline) })?;
        }
        let most = now + if readers.stalled().next().is_some() { NOTICE } else { IDLE };
        place.bell.wait(readers.next_wake().map_or(most, |wake| wake.min(most)));
    }
    Ok(())
}
