//! What the thread does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use gpunode_host::Root;
use gpunode_host::health::report::{Disk, Disks, Report, SourceState};
use gpunode_monitor::Monitor;
use tokio::sync::oneshot;

use super::{Shared, Watcher};
use crate::bootstrapped::Bootstrapped;
use crate::event::Told;
use crate::machine::{self, Machine};
use crate::reporter::Seen;
use crate::{clock, log, memory, metrics, told};

/// How often the boot report is read, and how old the sign of life may be.
const TURN: Duration = Duration::from_secs(10);
/// How often disks are looked for.
const DISKS: Duration = Duration::from_secs(60);
/// How often free memory goes back to the kernel. The first time is when all sources have answered: no time needs more
/// memory than the start.
const GIVE_BACK: Duration = Duration::from_secs(600);

/// The disks.
struct KnownDisks {
    looked: Instant,
    there: Result<Vec<Disk>, SourceState>,
    disks: Disks,
}

impl KnownDisks {
    fn new(root: &Root) -> Self {
        let mut disks = Disks::default();
        Self { looked: Instant::now(), there: disks.look(root), disks }
    }

    fn look(&mut self, root: &Root) {
        if self.there.is_ok() && self.looked.elapsed() < DISKS {
            return;
        }
        self.looked = Instant::now();
        // Those of before are there while the kernel does not tell.
        let now = self.disks.look(root);
        if now.is_ok() || self.there.is_err() {
            self.there = now;
        }
    }
}

/// The thread.
pub(super) struct Turn {
    watcher: Watcher,
    monitor: Monitor,
    shared: Arc<Shared>,
    asked: Receiver<oneshot::Sender<String>>,
    bootstrapped: Bootstrapped,
    disks: KnownDisks,
    /// When free memory went back last.
    given_back: Option<Instant>,
    /// What could not be kept, told once.
    not_kept: Option<String>,
    ways: told::Ways,
}

impl Turn {
    pub(super) fn new(
        watcher: Watcher,
        monitor: Monitor,
        shared: Arc<Shared>,
        asked: Receiver<oneshot::Sender<String>>,
    ) -> Self {
        let bootstrapped = read_report(&watcher.machine);
        let disks = KnownDisks::new(&watcher.machine.root);
        let mut watcher = watcher;
        watcher.mounts.look(clock::now(), &watcher.machine.root, bootstrapped.has_ended());
        Self {
            watcher,
            monitor,
            shared,
            asked,
            bootstrapped,
            disks,
            given_back: None,
            not_kept: None,
            ways: told::Ways::default(),
        }
    }

    pub(super) fn run(&mut self) {
        let mut turn_ends = Instant::now() + TURN;
        self.judge();
        while !self.shared.over.load(Ordering::Acquire) {
            self.shared.turn();
            let news = self.monitor.next(self.until(turn_ends));
            let turned = Instant::now() >= turn_ends;
            if turned {
                turn_ends = Instant::now() + TURN;
                self.look_around();
                self.give_back();
            }
            if news.findings || news.sources || turned || self.is_due() {
                self.judge();
            }
            if self.shared.keep.swap(false, Ordering::AcqRel) {
                self.keep();
            }
            self.answer();
        }
        self.keep();
    }

    fn until(&self, turn_ends: Instant) -> Instant {
        let Some(wake) = self.watcher.reporter.wake() else { return turn_ends };
        // Not again and again for a moment that one clock says has come and another does not.
        let left = wake.saturating_sub(clock::now().boot).max(Duration::from_millis(1));
        turn_ends.min(Instant::now() + left)
    }

    fn is_due(&self) -> bool {
        self.watcher.reporter.wake().is_some_and(|wake| wake <= clock::now().boot)
    }

    /// What nobody tells us when it changes.
    fn look_around(&mut self) {
        self.bootstrapped = read_report(&self.watcher.machine);
        let watcher = &mut self.watcher;
        watcher.mounts.look(clock::now(), &watcher.machine.root, self.bootstrapped.has_ended());
        self.disks.look(&self.watcher.machine.root);
    }

    fn give_back(&mut self) {
        let is_settled = self.watcher.reporter.is_settled();
        if is_settled && self.given_back.is_none_or(|last| last.elapsed() >= GIVE_BACK) {
            memory::give_back();
            if self.given_back.is_none() {
                memory::forget_the_start();
            }
            self.given_back = Some(Instant::now());
        }
    }

    fn report(&self) -> Report {
        let (health, sources) = (self.monitor.health(), self.monitor.sources());
        let time = clock::now().unix_ms;
        let mut report = self.watcher.machine.report(health, sources, self.disks.there.clone(), time);
        machine::add(&mut report, self.watcher.mounts.findings());
        report
    }

    fn judge(&mut self) {
        let now = clock::now();
        if let Some(by) = self.watcher.wall.set_by(now) {
            tracing::info!(node = self.watcher.node, "the clock was set by {} s", by / 1000);
            self.watcher.reporter.clock_set(by);
            self.watcher.post.publisher().clock_set(by);
        }
        let mut changes = self.monitor.take_changes();
        changes.append(&mut self.watcher.mounts.take_changes());
        for change in &changes {
            told::change(&self.watcher.node, change);
            if let Some(told) = Told::of(change, now.unix_ms) {
                self.watcher.post.tell(told);
            }
        }
        let report = self.report();
        self.ways.tell(&self.watcher.node, &report.sources);
        let pending = machine::pending(self.monitor.sources());
        let before = self.watcher.reporter.last().clone();
        let seen = Seen { now, report: &report, pending, bootstrapped: &self.bootstrapped };
        let wanted = self.watcher.reporter.next(&seen);
        let settled = self.watcher.reporter.is_settled();
        let ready = settled || self.watcher.before.as_ref() != Some(&wanted);
        if settled {
            self.shared.settled.store(true, Ordering::Release);
        }
        let is_new = wanted != before || !changes.is_empty();
        self.watcher.post.want(wanted, ready);
        if is_new {
            self.keep();
        }
    }

    fn keep(&mut self) {
        let Some(place) = &self.watcher.place else { return };
        let boot_id = &self.watcher.boot_id;
        let found = (self.monitor.health().save(boot_id), self.watcher.mounts.save(boot_id));
        let (published, events) = {
            let publisher = self.watcher.post.publisher();
            (publisher.published().clone(), publisher.events().clone())
        };
        let kept = place.save(found, self.watcher.reporter.last(), &published, &events, self.watcher.wall);
        let trouble = kept.err().map(|error| log::chain(&error));
        if let (Some(trouble), true) = (&trouble, trouble != self.not_kept) {
            tracing::warn!("cannot write {}: {trouble}", place.path().display());
        }
        self.not_kept = trouble;
    }

    fn answer(&mut self) {
        while let Ok(scrape) = self.asked.try_recv() {
            let report = self.report();
            let text = {
                let publisher = self.watcher.post.publisher();
                metrics::text(&metrics::Facts {
                    node: &self.watcher.node,
                    report: &report,
                    known: self.monitor.health().known(),
                    desired: self.watcher.reporter.last(),
                    publisher: &publisher,
                })
            };
            // Whoever asked may be gone.
            let _ = scrape.send(text);
        }
    }
}

fn read_report(machine: &Machine) -> Bootstrapped {
    Bootstrapped::read(&machine.root).unwrap_or_else(|error| Bootstrapped::unreadable(&error))
}
