//! Runs the graph of steps: whatever is ready runs at the same time, each step on a thread of its own, each with a
//! deadline. A step that does not come back is given up, and the others go on.

mod execute;
mod outcome;

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use gpunode_host::{Finding, reason};

use crate::context::Context;
use crate::os::{Cancel, Os};
use crate::step::{STEPS, Step, StepId, Steps};

pub(crate) use outcome::{Outcome, StepResult, milliseconds};

/// How long a step that was told to stop may take to say so, before its thread is left behind.
const GRACE: Duration = Duration::from_secs(4);

/// What happens during a run, as it happens.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A step began to look.
    Started(StepId),
    /// A step found something to change and begins to change it.
    Changing(StepId, Vec<String>),
    /// A step ended.
    Ended(StepResult),
}

/// Which steps run, and how long each may take.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Empty: all. `facts` always runs, since nothing can be decided without it.
    pub(crate) only: Vec<StepId>,
}

/// A run of a graph of steps.
pub(crate) struct Runner {
    steps: Steps,
    cx: Arc<Context>,
    os: Os,
    selection: Selection,
    running: BTreeMap<StepId, Running>,
    results: BTreeMap<StepId, StepResult>,
}

struct Running {
    cancel: Cancel,
    os: Os,
    /// On the clock of the run, see [`Os::now`].
    start: Duration,
    /// When the next patience ends: first the step's deadline, then the grace after it.
    until: Instant,
    told_to_stop: bool,
}

impl Running {
    /// The result with the times of the step, which ends now, and of its commands.
    fn time(&self, result: StepResult) -> StepResult {
        let end = self.os.now();
        let elapsed = end.saturating_sub(self.start);
        StepResult { elapsed, start: self.start, end, commands: self.os.ran(), ..result }
    }
}

impl Runner {
    pub(crate) fn new(steps: Steps, cx: Arc<Context>, os: Os, selection: Selection) -> Self {
        Self { steps, cx, os, selection, running: BTreeMap::new(), results: BTreeMap::new() }
    }

    /// Runs everything; `interrupted` is asked between events, and `tell` hears each event.
    pub(crate) fn run(
        mut self,
        tell: &mut dyn FnMut(&Event),
        interrupted: &dyn Fn() -> bool,
    ) -> Vec<StepResult> {
        let (sender, events) = mpsc::channel();
        loop {
            self.start_ready(&sender, tell);
            if self.running.is_empty() {
                break;
            }
            match events.recv_timeout(self.patience()) {
                Ok(event) => self.hear(event, tell),
                Err(_) => self.give_up_late(tell),
            }
            if interrupted() {
                self.stop(&events, tell);
                break;
            }
        }
        self.results.into_values().collect()
    }

    fn start_ready(&mut self, sender: &mpsc::Sender<Event>, tell: &mut dyn FnMut(&Event)) {
        // A step that cannot run ends at once, which may make the next one ready: go on until nothing moves.
        while let Some(step) = self.next_ready() {
            let id = step.id();
            match self.obstacle(id) {
                Some(result) => self.end(result, tell),
                None => self.start(step, sender.clone()),
            }
        }
    }

    fn next_ready(&self) -> Option<Arc<dyn Step>> {
        let open = |id: &StepId| !self.results.contains_key(id);
        let known = |id: &StepId| self.steps.iter().any(|step| step.id() == *id);
        self.steps
            .iter()
            .find(|step| {
                let info = step.id().info();
                open(&info.id)
                    && !self.running.contains_key(&info.id)
                    && !info.needs.iter().chain(info.after).any(|before| known(before) && open(before))
            })
            .cloned()
    }

    /// Why a step whose turn has come does not run.
    fn obstacle(&self, id: StepId) -> Option<StepResult> {
        let spec = self.cx.spec();
        if id != StepId::Facts && !self.selection.only.is_empty() && !self.selection.only.contains(&id) {
            return Some(StepResult::ended(id, Outcome::Skipped, "not asked for by --only"));
        }
        if spec.skip.iter().any(|step| step.word() == id.name()) {
            return Some(StepResult::ended(id, Outcome::Skipped, "skipped by the configuration"));
        }
        let failed = id.info().needs.iter().find(|need| {
            self.results.get(need).is_some_and(|r| matches!(r.outcome, Outcome::Failed | Outcome::NotRun))
        })?;
        Some(StepResult::ended(id, Outcome::NotRun, format!("needs {}, which failed", failed.name())))
    }

    fn start(&mut self, step: Arc<dyn Step>, sender: mpsc::Sender<Event>) {
        let id = step.id();
        let cancel = Cancel::default();
        let deadline = self.deadline(id);
        let (cx, os) = (Arc::clone(&self.cx), self.os.for_step(cancel.clone()));
        let (start, until) = (os.now(), Instant::now() + deadline);
        self.running.insert(id, Running { cancel, os: os.clone(), start, until, told_to_stop: false });
        thread::spawn(move || execute::step(&*step, &cx, &os, &sender));
    }

    fn deadline(&self, id: StepId) -> Duration {
        let set = self.cx.spec().deadlines.iter().find(|(step, _)| step.word() == id.name());
        set.map_or(id.info().deadline(), |(_, seconds)| Duration::from_secs(*seconds))
    }

    /// How long to wait for the next event: to the nearest deadline, and no longer than it takes a person to
    /// notice that Ctrl-C did nothing.
    fn patience(&self) -> Duration {
        let now = Instant::now();
        let nearest = self.running.values().map(|r| r.until.saturating_duration_since(now)).min();
        nearest.unwrap_or_default().min(Duration::from_millis(250))
    }

    fn hear(&mut self, event: Event, tell: &mut dyn FnMut(&Event)) {
        match event {
            Event::Ended(mut result) => {
                let Some(running) = self.running.remove(&result.step) else {
                    return;
                };
                if running.told_to_stop {
                    result = self.too_late(result.step);
                }
                self.end(running.time(result), tell);
            }
            Event::Started(id) | Event::Changing(id, _) if !self.running.contains_key(&id) => {}
            event @ (Event::Started(_) | Event::Changing(..)) => tell(&event),
        }
    }

    fn end(&mut self, mut result: StepResult, tell: &mut dyn FnMut(&Event)) {
        let info = result.step.info();
        let before = info.needs.iter().chain(info.after);
        result.waited_for = before.filter(|id| self.results.contains_key(id)).copied().collect();
        self.cx.note_end(result.clone());
        tell(&Event::Ended(result.clone()));
        self.results.insert(result.step, result);
    }

    fn give_up_late(&mut self, tell: &mut dyn FnMut(&Event)) {
        let now = Instant::now();
        let late: Vec<_> = self.running.iter().filter(|(_, r)| r.until <= now).map(|(id, _)| *id).collect();
        for id in late {
            let Some(running) = self.running.get_mut(&id) else {
                continue;
            };
            if !running.told_to_stop {
                running.told_to_stop = true;
                running.until = now + GRACE;
                running.cancel.set();
                continue;
            }
            let late = self.too_late(id);
            let result = self.running.remove(&id).map(|running| running.time(late.clone())).unwrap_or(late);
            self.end(result, tell);
        }
    }

    fn too_late(&self, id: StepId) -> StepResult {
        let message = format!("the step did not end within {} s and was ended", self.deadline(id).as_secs());
        StepResult::failed(id, Finding::new(&reason::STEP_DEADLINE, id.name(), message))
    }

    /// Ends every step that still runs, after a signal. They are waited for a while, so that the process does not end
    /// in the middle of what they write.
    fn stop(&mut self, events: &mpsc::Receiver<Event>, tell: &mut dyn FnMut(&Event)) {
        let until = Instant::now() + GRACE;
        self.running.values().for_each(|running| running.cancel.set());
        let mut ended = BTreeMap::new();
        while ended.len() < self.running.len() {
            match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Ended(result)) => drop(ended.insert(result.step, result)),
                Ok(Event::Started(_) | Event::Changing(..)) => {}
                Err(_) => break,
            }
        }
        for (id, running) in std::mem::take(&mut self.running) {
            let finding = Finding::new(&reason::RUN_INTERRUPTED, id.name(), "the run was ended by a signal");
            let cut = StepResult::failed(id, finding);
            let result = ended.remove(&id).filter(|result| result.outcome != Outcome::Failed).unwrap_or(cut);
            self.end(running.time(result), tell);
        }
        let open: Vec<_> = STEPS.iter().map(|s| s.id).filter(|id| !self.results.contains_key(id)).collect();
        for id in open {
            self.end(StepResult::ended(id, Outcome::NotRun, "the run was ended by a signal"), tell);
        }
    }
}

#[cfg(test)]
mod tests;
