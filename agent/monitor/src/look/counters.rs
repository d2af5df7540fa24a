//! EFA counters, read twice; or one of each card, where nobody asks for rates.

use std::time::{Duration, Instant};

use gpunode_host::efa::counters::Counters;
use gpunode_host::efa::{
    self, DeviceCounters, DeviceSample, PortCounters, PortReading, Reading, SampleState, answers_now,
    counters_once,
};
use gpunode_host::health::{Now, Port, Seen};

use super::patience::Patience;
use super::{Once, Part, Report, Step};
use crate::clock;
use crate::settings::Settings;

/// Reads them. A card that does not answer takes two fifths of the time between the readings at most, in each of them.
pub(super) fn read(settings: &Settings, once: &Once, until: Instant, report: &Report) {
    // Why they cannot be seen is told by the look at the devices.
    let names = efa::names(&settings.root).unwrap_or_default();
    if names.is_empty() {
        return;
    }
    let time = until.saturating_duration_since(Instant::now());
    let gap = once.gap.map(|gap| gap.min(time / 4));
    let patience =
        Patience::new(settings.deadlines.efa_port, time.saturating_sub(gap.unwrap_or_default()) * 2 / 5);
    let Some(gap) = gap else {
        let answers = answers_now(&settings.root, &names, patience.deadline).into_iter();
        let seen = answers.map(|(name, port)| answered(name, port, patience)).collect();
        return report.part(Step::CountersAfter, Part { seen, states: Vec::new() });
    };
    let all = counters_once(&settings.root, &names, gap, patience.deadline);
    report.part(Step::CountersBefore, before(&all, patience));
    report.part(Step::CountersAfter, after(all, patience));
}

fn before(all: &[DeviceCounters], patience: Patience) -> Part {
    let now = clock::now();
    let elapsed = all.first().map_or(0, |device| device.before.elapsed_ms);
    let before = Now {
        boot: now.boot.saturating_sub(Duration::from_millis(elapsed)),
        unix_ms: now.unix_ms.saturating_sub(elapsed),
    };
    let mut seen =
        vec![(before, Seen::EfaDevices(all.iter().map(|it| sample_before(it, patience)).collect()))];
    for device in all.iter().filter(|device| !device.before.port.is_empty()) {
        let counters = device.before.port.clone();
        let what = Port::Read(Box::new(PortReading { counters, ..PortReading::default() }));
        seen.push((before, Seen::EfaPort { device: device.name.as_str().into(), what }));
    }
    Part { seen, states: Vec::new() }
}

fn after(all: Vec<DeviceCounters>, patience: Patience) -> Part {
    let now = clock::now();
    let mut seen = vec![(now, Seen::EfaDevices(all.iter().map(|it| sample_after(it, patience)).collect()))];
    seen.extend(all.into_iter().map(|device| answered(device.name, device.port, patience)));
    Part { seen, states: Vec::new() }
}

fn answered(name: String, port: PortCounters, patience: Patience) -> (Now, Seen) {
    let what = match port {
        PortCounters::Read(reading) => Port::Read(reading),
        PortCounters::Failed(failure) => Port::Failed(failure),
        PortCounters::Stalled if patience.proves => Port::Stalled(patience.deadline),
        PortCounters::Stalled => Port::Late(patience.deadline),
    };
    (clock::now(), Seen::EfaPort { device: name.into(), what })
}

fn sample_before(device: &DeviceCounters, patience: Patience) -> DeviceSample {
    let reading = Reading { errno: None, ..device.device.clone() };
    sample(&device.name, &device.before.device, &reading, patience)
}

fn sample_after(device: &DeviceCounters, patience: Patience) -> DeviceSample {
    sample(&device.name, &device.device.counters, &device.device, patience)
}

fn sample(name: &str, counters: &Counters, reading: &Reading, patience: Patience) -> DeviceSample {
    let state = match reading.errno {
        Some(errno) => SampleState::Failed { errno: Some(errno) },
        None if reading.stalled && patience.proves => SampleState::Stalled,
        None if reading.stalled => SampleState::Late,
        None if counters.is_empty() => SampleState::Absent,
        None => SampleState::Read,
    };
    DeviceSample { device: name.into(), incarnation: 0, state, counters: counters.clone(), full: true }
}
