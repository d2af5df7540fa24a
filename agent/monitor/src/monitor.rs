//! Every source, all the time.

use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use gpunode_host::health::{Change, Health, Wants};

use crate::bell::Bell;
use crate::clock;
use crate::feed::{Feed, Message, ROOM};
use crate::intake::Intake;
use crate::memory;
use crate::settings::Settings;
use crate::source::{self, Bells};
use crate::state::Sources;
use crate::waker::Waker;

/// Messages that are taken in before the caller gets its turn again.
const TURN: usize = 1024;

/// Watches every source. It owns the state; the sources' threads end when it goes, and nobody waits for those that hang.
#[derive(Debug)]
pub struct Monitor {
    intake: Intake,
    changes: Vec<Change>,
    messages: Receiver<Message>,
    waker: Waker,
    bells: Bells,
}

/// What came while [`Monitor::next`] waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Findings appeared, changed or went: [`Monitor::take_changes`] has them.
    pub findings: bool,
    /// A source answered for the first time, fell silent or came back: see [`Monitor::sources`].
    pub sources: bool,
    /// Newer values of the devices: [`Health::known`] has them.
    pub readings: bool,
    /// Somebody has called [`Waker::wake`].
    pub woken: bool,
}

impl Monitor {
    /// Starts watching, with no findings.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let health = Health::new(settings.setup.clone());
        Self::resume(settings, health)
    }

    /// Starts watching with what is known already: `health` from [`Health::restore`]. From then on new threads of the
    /// program share one heap.
    pub fn resume(settings: Settings, health: Health) -> io::Result<Self> {
        memory::one_heap();
        let (sender, messages) = sync_channel(ROOM);
        let bells = Bells::new()?;
        let intake = Intake::new(health);
        let waker = Waker::new(sender.clone());
        source::start(settings, &Feed::new(sender), &bells)?;
        Ok(Self { intake, changes: Vec::new(), messages, waker, bells })
    }

    /// Takes in what comes until findings or sources change or somebody wakes it, at most until `until`. Values that change alone do not end
    /// it: they are in [`Health::known`] whenever the caller looks.
    pub fn next(&mut self, until: Instant) -> News {
        let mut news = News::default();
        for _ in 0..TURN {
            let wake = self.next_tick().map_or(until, |tick| tick.min(until));
            match self.messages.recv_timeout(wake.saturating_duration_since(Instant::now())) {
                Ok(message) => self.take_in(message, &mut news),
                // The time has passed. `waker` holds the other end, so that the channel never ends.
                Err(_) => self.tick(&mut news),
            }
            news.woken = self.waker.take();
            if news.findings || news.sources || news.woken || Instant::now() >= until {
                break;
            }
        }
        news
    }

    /// What is known and wrong.
    pub fn health(&self) -> &Health {
        &self.intake.health
    }

    /// How each source fares.
    pub fn sources(&self) -> &Sources {
        &self.intake.sources
    }

    /// What changed since this was asked last, in order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// With it another thread ends [`Monitor::next`].
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Asks every source for a look at once, as far as it can.
    pub fn look_now(&self) {
        self.bells.all().for_each(Bell::ring);
    }

    fn take_in(&mut self, message: Message, news: &mut News) {
        match message {
            Message::Wake => {}
            Message::State(source, state) => news.sources |= self.intake.sources.set(&source, state),
            Message::Seen(now, seen) => {
                let (wants, sources) = self.intake.take_in(now, seen);
                news.readings = true;
                news.sources |= sources;
                self.obey(wants);
                self.collect(news);
            }
        }
    }

    fn obey(&self, wants: Wants) {
        if wants.sweep {
            self.bells.gpus.ring();
        }
        if wants.efa {
            self.bells.efa.ring();
        }
    }

    /// When the state has something to do by itself.
    fn next_tick(&self) -> Option<Instant> {
        let at = self.intake.health.next_tick()?;
        // Not again and again for one that a clock says is due and another is not.
        let left = at.saturating_sub(clock::now().boot).max(Duration::from_millis(1));
        Instant::now().checked_add(left)
    }

    fn tick(&mut self, news: &mut News) {
        self.intake.health.tick(clock::now());
        self.collect(news);
    }

    fn collect(&mut self, news: &mut News) {
        let before = self.changes.len();
        self.changes.append(&mut self.intake.health.take_changes());
        news.findings |= self.changes.len() > before;
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.bells.all().for_each(Bell::end);
    }
}
