//! The one type that its users hold: it asks, and keeps what is wrong apart from what is said.

mod interfaces;
mod look;
mod once;
mod plugin;
mod state;
mod wrong;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use gpunode_probe_protocol::gpu::{Entry, Sweep};
use gpunode_probe_protocol::message::{Registered, Say, Want};

use crate::abandoned::Graveyard;
use crate::hung::HungGpus;
use crate::image::Image;
use crate::lane::Lane;
use crate::outcome::{Outcome, StartError};
use crate::session::{Pushed, unexpected};
use crate::settings::Settings;
use crate::spawn::{Plan, Spawner};
use crate::starter::Starter;
use crate::trouble::Trouble;

pub use interfaces::Listing;
pub use look::Look;

/// Asks `gpunode-probe`, starts it when needed, and ends it when it misbehaves.
///
/// Nothing is started before the first question. No call takes longer than its deadline and a third of a second, however
/// the libraries, the driver or the probe behave.
pub struct Probe {
    starter: Starter,
    graveyard: Graveyard,
    gpus: Lane,
    fabric: Lane,
    looks: Lane,
    hung: HungGpus,
    /// PCI addresses by index, as far as sweeps had them.
    known: BTreeMap<u32, String>,
    sink: Box<dyn FnMut(Pushed) + Send>,
}

impl Probe {
    /// Prepares the program's bytes. Pushed messages are dropped until [`Self::on_push`].
    pub fn start(settings: &Settings) -> Result<Self, StartError> {
        let hmem: &[_] = if settings.gpu_memory { &[] } else { &[("FI_HMEM", "system")] };
        let fabric = [&interfaces::ENVIRONMENT[..], hmem].concat();
        let (gpus, fabric) = (Plan::new(settings, &[])?, Plan::new(settings, &fabric)?);
        let starter = Starter::new(settings.clone(), Image::new(settings)?, Spawner::new()?);
        Ok(Self {
            starter,
            graveyard: Graveyard::default(),
            looks: Lane::new(gpus.clone()),
            gpus: Lane::new(gpus),
            fabric: Lane::new(fabric),
            hung: HungGpus::new(settings.look_again),
            known: BTreeMap::new(),
            sink: Box::new(|_| ()),
        })
    }

    /// Where events go. Called while any method here runs, on that thread; it must not block.
    pub fn on_push(&mut self, sink: impl FnMut(Pushed) + Send + 'static) {
        self.sink = Box::new(sink);
    }

    /// One look at every GPU but `skip` and those on which a call hung. `slow` asks also for what is slow to read.
    pub fn gpus(&mut self, deadline: Duration, skip: &[String], slow: bool) -> Outcome<Box<Sweep>> {
        let until = Instant::now() + deadline;
        let want = Want::Gpus { skip: self.skipped(skip), slow };
        let sweep = match self.ask(until, want) {
            Ok(Say::Gpus(Ok(sweep))) => sweep,
            Ok(Say::Gpus(Err(unusable))) => return Outcome::Nothing(self.unusable(unusable)),
            Ok(other) => return Outcome::Nothing(self.broke(unexpected(&other), None)),
            Err(trouble) => return Outcome::Nothing(trouble),
        };
        let addresses =
            sweep.gpus.iter().filter_map(|entry| Some((entry.index(), address(entry)?.to_owned())));
        self.known.extend(addresses);
        let Some(stuck) = &sweep.stuck else {
            self.gpus.worked();
            return Outcome::Whole(sweep);
        };
        let trouble = self.stuck(stuck);
        Outcome::Partial(sweep, trouble)
    }

    /// Registers for events of every GPU but `skip` and those on which a call hung. They arrive at [`Self::on_push`]
    /// from now on, during [`Self::wait`], [`Self::pump`] and every question, until [`Pushed::Ended`].
    pub fn events(&mut self, deadline: Duration, skip: &[String]) -> Outcome<Vec<Registered>> {
        let until = Instant::now() + deadline;
        let want = Want::Events { skip: self.skipped(skip) };
        match self.ask(until, want) {
            Ok(Say::Events(Ok(registered))) => {
                if let Some(session) = self.gpus.running() {
                    session.listens = true;
                }
                self.gpus.worked();
                Outcome::Whole(registered)
            }
            Ok(Say::Events(Err(unusable))) => Outcome::Nothing(self.unusable(unusable)),
            Ok(other) => Outcome::Nothing(self.broke(unexpected(&other), None)),
            Err(trouble) => Outcome::Nothing(trouble),
        }
    }

    /// Whether events are registered: not so before [`Self::events`], and no more after [`Pushed::Ended`].
    pub fn listens(&self) -> bool {
        self.gpus.session().is_some_and(|session| session.listens)
    }

    /// Waits for something pushed, at most `time`; hands over all there is. `true` when there was something. Where no
    /// process runs there is nothing to wait for, and it returns at once.
    pub fn wait(&mut self, time: Duration) -> Result<bool, Trouble> {
        let until = Instant::now() + time;
        let Some(session) = self.gpus.running() else { return Ok(false) };
        session.listen(until, &mut *self.sink).map_err(|trouble| self.broke(trouble, None))
    }

    /// Hands over what was pushed, without waiting: for event loops, when [`Self::as_fd`] is readable.
    pub fn pump(&mut self) -> Result<bool, Trouble> {
        self.wait(Duration::ZERO)
    }

    /// Readable when something was pushed or the process ended. It changes with every start of the process, so it is to
    /// be asked for again after every call here; `None` while no process runs.
    pub fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.gpus.session().map(|session| session.as_fd())
    }

    fn ask(&mut self, until: Instant, want: Want) -> Result<Say, Trouble> {
        self.reap();
        let session = self.gpus.ready(&mut self.starter, &mut self.graveyard, until)?;
        session.ask(want, until, &mut *self.sink).map_err(|trouble| match trouble {
            Trouble::Starved { lives: true, .. } => trouble,
            trouble => self.broke(trouble, None),
        })
    }

    fn skipped(&self, skip: &[String]) -> Vec<String> {
        let all: BTreeSet<&str> = skip.iter().map(String::as_str).chain(self.hung.addresses()).collect();
        all.into_iter().map(str::to_owned).collect()
    }

    fn reap(&mut self) {
        for gpu in self.graveyard.reap() {
            self.hung.let_go(&gpu, Instant::now());
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        for lane in [&mut self.gpus, &mut self.fabric, &mut self.looks] {
            lane.rest(&mut self.graveyard);
        }
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Probe");
        debug.field("gpus", &self.gpus).field("hung", &self.hung).field("graveyard", &self.graveyard);
        debug.finish_non_exhaustive()
    }
}

fn address(entry: &Entry) -> Option<&str> {
    match entry {
        Entry::Read(gpu) => Some(&gpu.pci),
        Entry::Skipped { pci, .. } | Entry::Unreachable { pci, .. } => pci.as_deref(),
    }
}
