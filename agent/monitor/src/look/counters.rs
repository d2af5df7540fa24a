//! EFA counters, read twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gpunode_host::efa::counters::Counters;
use gpunode_host::efa::{
    self, DeviceCounters, DeviceSample, PortCounters, PortReading, SampleState, counters_once,
};
use gpunode_host::health::{Now, Port, Seen};

use super::{Part, Report, Step};
use crate::clock;
use crate::settings::Settings;

/// Between the two readings.
const GAP: Duration = Duration::from_secs(1);

/// Reads them. A card that does not answer takes a quarter of the time at most, in each of the two readings.
pub(super) fn read(settings: &Settings, until: Instant, report: &Report) {
    let names = efa::names(&settings.root);
    if names.is_empty() {
        return;
    }
    let time = until.saturating_duration_since(Instant::now());
    let deadline = settings.deadlines.efa_port.min(time / 4);
    let all = counters_once(&settings.root, &names, GAP.min(time / 4), deadline);
    let now = clock::now();
    let elapsed = all.first().map_or(0, |device| device.before.elapsed_ms);
    let before = Now {
        boot: now.boot.saturating_sub(Duration::from_millis(elapsed)),
        unix_ms: now.unix_ms.saturating_sub(elapsed),
    };
    let mut first = vec![(before, Seen::EfaDevices(all.iter().map(sample_before).collect()))];
    let mut second = vec![(now, Seen::EfaDevices(all.iter().map(sample_after).collect()))];
    for device in all {
        let name: Arc<str> = device.name.as_str().into();
        if !device.before.port.is_empty() {
            let counters = device.before.port;
            let what = Port::Read(Box::new(PortReading { counters, ..PortReading::default() }));
            first.push((before, Seen::EfaPort { device: Arc::clone(&name), what }));
        }
        let what = match device.port {
            PortCounters::Read(reading) => Port::Read(reading),
            PortCounters::Failed(failure) => Port::Failed(failure),
            PortCounters::Stalled => Port::Stalled(deadline),
        };
        second.push((now, Seen::EfaPort { device: name, what }));
    }
    report.part(Step::CountersBefore, Part { seen: first, states: Vec::new() });
    report.part(Step::CountersAfter, Part { seen: second, states: Vec::new() });
}

fn sample_before(device: &DeviceCounters) -> DeviceSample {
    sample(&device.name, &device.before.device, None)
}

fn sample_after(device: &DeviceCounters) -> DeviceSample {
    sample(&device.name, &device.device.counters, device.device.errno)
}

fn sample(name: &str, counters: &Counters, errno: Option<i32>) -> DeviceSample {
    let state = match errno {
        Some(_) => SampleState::Failed { errno },
        None if counters.is_empty() => SampleState::Absent,
        None => SampleState::Read,
    };
    DeviceSample { device: name.into(), incarnation: 0, state, counters: counters.clone(), full: true }
}
