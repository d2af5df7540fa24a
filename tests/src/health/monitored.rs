//! A machine that a monitor watches often, and what a test waits for.

use std::time::{Duration, Instant};

use gpunode_host::health::Source;
use gpunode_monitor::probe::Growing;
use gpunode_monitor::{Monitor, Settings, State};

use super::{Bed, found};

/// Against waiting for ever.
const PLENTY: Duration = Duration::from_secs(60);
/// The period of every source, and the pause after every failure.
pub const SOON: Duration = Duration::from_millis(200);

/// How to watch it so that a test need not wait: each source after [`SOON`]. Four EFA devices share a second.
pub fn often(bed: &Bed) -> Settings {
    let mut settings = bed.settings();
    let periods = &mut settings.periods;
    (periods.gpus, periods.gpus_gap, periods.devices) = (SOON, SOON, SOON);
    (periods.efa_counters, periods.efa_ports, periods.libfabric) = (SOON, SOON, SOON);
    settings.probe.back_off = Growing { first: SOON, most: SOON };
    settings.probe.look_again = Growing { first: SOON, most: SOON };
    settings.probe.start_deadline = PLENTY;
    settings.deadlines.gpus = Duration::from_secs(5);
    settings
}

/// Watches until `wanted`; `what` says what that is.
///
/// # Panics
/// After a minute.
pub fn until(bed: &Bed, monitor: &mut Monitor, what: &str, mut wanted: impl FnMut(&Monitor) -> bool) {
    let end = Instant::now() + PLENTY;
    while !wanted(monitor) {
        let states: Vec<_> = monitor.sources().iter().filter(|(_, state)| !state.is_good()).collect();
        assert!(Instant::now() < end, "{what}: {:?} {states:?}", found(bed, monitor.health()));
        monitor.next(Instant::now() + SOON);
    }
}

/// Watches until this source has answered.
///
/// # Panics
/// After a minute.
pub fn answers(bed: &Bed, monitor: &mut Monitor, source: &Source) {
    until(bed, monitor, &format!("{source:?} answers"), |monitor| {
        monitor.sources().get(source) == Some(&State::Answered)
    });
}

/// Watches until exactly these are the findings, in the words of the cases.
///
/// # Panics
/// After a minute.
pub fn finds(bed: &Bed, monitor: &mut Monitor, wanted: &[&str]) {
    until(bed, monitor, &format!("{wanted:?}"), |monitor| found(bed, monitor.health()) == wanted);
}
