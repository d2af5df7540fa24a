//! What is done at the same time.

use std::time::{Duration, Instant};

use gpunode_host::Root;
use gpunode_host::efa::{self, Observer};
use gpunode_host::gpu_pci::{self, Bus, Functions, Starts};
use gpunode_host::health::{Seen, Source};
use gpunode_host::kernel_log::{Progress, Start};
use gpunode_host::versions::Versions;
use gpunode_probe_client::{Outcome, Probe};

use super::patience::Patience;
use super::{Once, Part, Report, Step, counters};
use crate::clock;
use crate::settings::Settings;
use crate::source::gpus::{NO_DRIVER, driver_is_loaded};
use crate::source::kernel_log::{From, Line, Reader};
use crate::source::{efa as efa_source, libfabric};
use crate::state::State;
use crate::told::{self, Told};

/// One of them: it has until then.
pub(super) type Job = fn(&Settings, &Once, Instant, &Report);

/// All of them.
pub(super) const ALL: [(&str, Job); 7] = [
    ("versions", |settings, _, _, report| {
        report.saw(Step::Versions, Seen::Versions(Box::new(Versions::read(&settings.root))));
    }),
    ("gpu-bus", gpu_bus),
    ("efa", efa_devices),
    ("efa-counters", counters::read),
    ("gpus", gpus),
    ("libfabric", ask_libfabric),
    ("kernel-log", kernel_log),
];

/// Records of one go, between which the time is looked at.
const GO: usize = 512;
/// How much longer than its deadline the probe's client may take.
const SLACK: Duration = Duration::from_millis(400);

/// With a fifth of it left for saying what came of it.
fn left(until: Instant, most: Duration) -> Duration {
    (until.saturating_duration_since(Instant::now()) * 4 / 5).min(most)
}

/// What the probe gets of the time that is left, where `rule` is enough.
fn patience(until: Instant, rule: Duration) -> Patience {
    Patience::new(rule, until.saturating_duration_since(Instant::now()).saturating_sub(SLACK))
}

fn late(patience: Patience) -> State {
    State::Late(format!("no answer within {} ms", patience.deadline.as_millis()))
}

fn gpu_bus(settings: &Settings, _: &Once, until: Instant, report: &Report) {
    let Functions { gpus, nvswitches } = match Bus::default().look(&settings.root) {
        Ok(functions) => functions,
        Err(error) => {
            return report.saw(Step::GpuBus, Seen::Unseen(Source::GpuBus, error.words()));
        }
    };
    let addresses: Vec<_> = gpus.iter().map(|gpu| gpu.address.clone()).collect();
    let deadline = left(until, settings.deadlines.gpu_bus);
    let hardware = gpu_pci::hardware_once(&settings.root, &addresses, deadline);
    report.saw(Step::GpuBus, Seen::GpuBus { gpus, hardware, nvswitches });
}

fn efa_devices(settings: &Settings, _: &Once, until: Instant, report: &Report) {
    let deadline = settings.deadlines.efa_port;
    // A look that must end sooner calls no card stalled.
    match Observer::once(&settings.root, deadline, left(until, deadline)) {
        Ok(seen) => {
            let names = efa_source::names(&seen);
            report.saw(Step::Efa, Seen::Efa(Box::new(seen)));
            report.saw(Step::Use, Seen::EfaHeld(efa_source::held(&names)));
        }
        Err(error) => report.saw(Step::Efa, Seen::Unseen(Source::EfaDevices, error.words())),
    }
}

fn gpus(settings: &Settings, once: &Once, until: Instant, report: &Report) {
    if let Some(why) = &once.without_libraries {
        return report.state(Step::Gpus, vec![(Source::Gpus, State::NotNeeded(why.clone()))]);
    }
    if !driver_is_loaded(&settings.root) {
        return report.state(Step::Gpus, vec![(Source::Gpus, State::NotNeeded(NO_DRIVER.to_owned()))]);
    }
    let mut probe = match Probe::start(&settings.probe) {
        Ok(probe) => probe,
        Err(error) => return report.saw(Step::Gpus, Seen::Probe(told::not_started(&error))),
    };
    let deadlines = &settings.deadlines;
    let starts = Starts::new(settings.root.clone()).are_due(left(until, deadlines.gpu_bus));
    let rule = if starts { deadlines.gpus_start.max(deadlines.gpus) } else { deadlines.gpus };
    let patience = patience(until, rule);
    match probe.gpus(patience.deadline, &[], true) {
        Outcome::Partial(sweep, _) if !patience.proves => {
            report.saw(Step::Gpus, Seen::GpusInBrief(sweep));
        }
        Outcome::Whole(sweep) | Outcome::Partial(sweep, _) => report.saw(Step::Gpus, Seen::Gpus(Ok(sweep))),
        Outcome::Nothing(trouble) if trouble.is_hung() && !patience.proves => {
            let why = if starts { "; the driver has yet to start a GPU" } else { "" };
            let late = format!("no answer within {} ms{why}", patience.deadline.as_millis());
            report.state(Step::Gpus, vec![(Source::Gpus, State::Late(late))]);
        }
        Outcome::Nothing(trouble) => {
            if let Some(seen) = Told::of_gpus(&trouble) {
                report.saw(Step::Gpus, seen);
            }
        }
    }
}

fn ask_libfabric(settings: &Settings, once: &Once, until: Instant, report: &Report) {
    if let Some(why) = &once.without_libraries {
        return report.state(Step::Libfabric, vec![(Source::Libfabric, State::NotNeeded(why.clone()))]);
    }
    // Where they cannot be seen, libfabric is asked nevertheless.
    if efa::names(&settings.root).is_ok_and(|names| names.is_empty()) {
        let why = State::NotNeeded(libfabric::NO_DEVICE.to_owned());
        return report.state(Step::Libfabric, vec![(Source::Libfabric, why)]);
    }
    let mut probe = match Probe::start(&settings.probe) {
        Ok(probe) => probe,
        Err(error) => return report.saw(Step::Libfabric, Seen::LibfabricProbe(told::not_started(&error))),
    };
    // `watch` can be more patient than a look that a person waits for: half of it is plenty.
    let most = settings.deadlines.libfabric;
    let deadline = patience(until, most).deadline;
    let patience = Patience { deadline, proves: deadline >= most / 2 };
    match probe.interfaces(deadline) {
        Outcome::Whole(listing) | Outcome::Partial(listing, _) => {
            report.saw(Step::Libfabric, Seen::Libfabric(Ok(listing.interfaces)));
        }
        Outcome::Nothing(trouble) if trouble.is_hung() && !patience.proves => {
            report.state(Step::Libfabric, vec![(Source::Libfabric, late(patience))]);
        }
        Outcome::Nothing(trouble) => {
            if let Some(seen) = Told::of_libfabric(&trouble) {
                report.saw(Step::Libfabric, seen);
            }
        }
    }
}

fn kernel_log(settings: &Settings, _: &Once, until: Instant, report: &Report) {
    let (mut seen, mut state) = (Vec::new(), State::Answered);
    let read = replay(&settings.root, settings, until, &mut seen);
    match read {
        Ok((true, None)) => {}
        Ok((true, Some(instead))) => state = State::Instead(instead),
        Ok((false, _)) => state = State::Late("it is too long to be read in this time".to_owned()),
        Err(why) => {
            seen.push((clock::now(), Seen::Unseen(Source::KernelLog, why.clone())));
            state = State::Unavailable(why);
        }
    }
    report.part(Step::KernelLog, Part { seen, states: vec![(Source::KernelLog, state)] });
}

/// Whether it was read to its end, and what was read instead of the kernel's device.
fn replay(
    root: &Root,
    settings: &Settings,
    until: Instant,
    seen: &mut Vec<(gpunode_host::health::Now, Seen)>,
) -> Result<(bool, Option<String>), String> {
    let mut reader = Reader::open(root, &settings.kernel_log, &From::new(Start::Oldest))?;
    let instead = reader.instead().map(str::to_owned);
    while Instant::now() < until {
        let each = |line| {
            seen.push(match line {
                Line::Entry(entry) => (clock::said_at(entry.microseconds), Seen::Kernel(entry)),
                Line::Lost(count) => (clock::now(), Seen::KernelLost(count)),
            });
        };
        let (progress, _) = reader.read(GO, each)?;
        if progress == Progress::Drained {
            return Ok((true, instead));
        }
    }
    Ok((false, instead))
}
