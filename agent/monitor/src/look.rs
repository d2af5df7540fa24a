//! One look at everything, within a deadline.

mod counters;
mod jobs;
mod patience;

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use gpunode_host::health::{Health, Now, Seen, Source};

use crate::clock;
use crate::intake::Intake;
use crate::settings::Settings;
use crate::state::{Sources, State};
use jobs::Job;

/// Enough for a parser of a debug build, see [`crate::source`].
const STACK: usize = 256 << 10;

/// How one look is done.
#[derive(Clone, Debug)]
pub struct Once {
    /// It comes back within this time, whatever hangs.
    pub deadline: Duration,
    /// Between two readings of the EFA counters, so that there are rates. `None`: each card is asked for one of them,
    /// which tells whether it answers.
    pub gap: Option<Duration>,
    /// Why NVML and libfabric are not asked; `None`: they are.
    pub without_libraries: Option<String>,
}

impl Once {
    /// A look at everything, with rates over one second. 10 s is what `gpunode-agent check` gives it, and two are the
    /// least for both readings of the counters.
    pub fn new(deadline: Duration) -> Self {
        Self { deadline, gap: Some(Duration::from_secs(1)), without_libraries: None }
    }
}

/// What one look saw.
#[derive(Debug)]
pub struct Looked {
    /// What is known and wrong. What a rule must see several times, or for some time, counts at once.
    pub health: Health,
    /// How each source fares; none is pending any more.
    pub sources: Sources,
    /// How long it took.
    pub took: Duration,
}

/// The order in which what was seen is taken in, whoever answered first: findings need names and versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Versions,
    GpuBus,
    Efa,
    CountersBefore,
    Gpus,
    KernelLog,
    CountersAfter,
    Libfabric,
    /// Behind all counters: that nothing goes over EFA for one second is no sign of anything.
    Use,
}

/// What one job brought.
#[derive(Debug, Default)]
struct Part {
    seen: Vec<(Now, Seen)>,
    states: Vec<(Source, State)>,
}

/// Where jobs send what they brought. What comes after the deadline is dropped.
#[derive(Clone, Debug)]
struct Report(Sender<(Step, Part)>);

impl Report {
    fn saw(&self, step: Step, seen: Seen) {
        self.part(step, Part { seen: vec![(clock::now(), seen)], states: Vec::new() });
    }

    fn state(&self, step: Step, states: Vec<(Source, State)>) {
        self.part(step, Part { seen: Vec::new(), states });
    }

    fn part(&self, step: Step, part: Part) {
        // Nobody listens any more after the deadline.
        let _ = self.0.send((step, part));
    }
}

/// Looks at everything once, all at the same time, and comes back within the deadline whatever hangs.
///
/// The kernel log is replayed from its oldest
/// record, each with the time it was said, so that what was cleared since is not told. Rules that learn for longer than
/// this takes (the span of a card's keep-alive) show nothing here.
///
/// A thread whose read sleeps in the kernel is left behind. A process ends only when that read does, half a minute for
/// a dead EFA card: whoever waits for the process waits as long. See [`gpunode_host::bounded`].
pub fn look(settings: &Settings, once: &Once) -> Looked {
    let began = Instant::now();
    let deadline = once.deadline;
    let (sender, parts) = channel();
    // What is left is for taking in what came.
    let time = deadline.saturating_sub(deadline.min(Duration::from_secs(5)) / 10);
    let until = began + time;
    for (name, job) in jobs::ALL {
        start(name, job, (settings.clone(), once.clone()), until, Report(sender.clone()));
    }
    drop(sender);
    let mut steps: BTreeMap<Step, Part> = BTreeMap::new();
    while let Ok((step, part)) = parts.recv_timeout(until.saturating_duration_since(Instant::now())) {
        let all = steps.entry(step).or_default();
        all.seen.extend(part.seen);
        all.states.extend(part.states);
    }
    let Intake { health, sources } = take_in(settings, once, steps, time);
    Looked { health, sources, took: began.elapsed() }
}

fn start(name: &str, job: Job, how: (Settings, Once), until: Instant, report: Report) {
    let work = move || job(&how.0, &how.1, until, &report);
    // Without a thread there is no answer, as from a job that hangs.
    drop(thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(work));
}

fn take_in(settings: &Settings, once: &Once, steps: BTreeMap<Step, Part>, time: Duration) -> Intake {
    let mut intake = Intake::new(Health::at_once(settings.setup.clone()));
    // Nothing is pushed to who looks once.
    let no_events = "one look waits for no events".to_owned();
    intake.sources.set(&Source::GpuEvents, State::NotNeeded(no_events));
    for part in steps.into_values() {
        for (now, seen) in part.seen {
            intake.take_in(now, seen);
        }
        for (source, state) in part.states {
            intake.sources.set(&source, state);
        }
    }
    intake.health.tick(clock::now());
    let late = format!("no answer within {} ms", time.as_millis());
    let pending: Vec<_> = intake.sources.pending().cloned().collect();
    for source in pending {
        // What the driver counts in its memory says nothing but by its rates.
        let unasked = once.gap.is_none() && matches!(source, Source::EfaDevice(_));
        let state = if unasked {
            State::NotNeeded("one reading has no rates".to_owned())
        } else {
            State::Late(late.clone())
        };
        intake.sources.set(&source, state);
    }
    intake
}
