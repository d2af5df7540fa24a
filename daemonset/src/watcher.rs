//! The thread that watches the machine: it alone touches hardware, and nobody waits for it without a limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use gpunode_host::health::report::{Disk, Report};
use gpunode_monitor::{Health, Monitor, Waker};
use tokio::sync::oneshot;

use crate::bootstrapped::Bootstrapped;
use crate::event::Told;
use crate::machine::{self, Machine};
use crate::metrics;
use crate::post::Post;
use crate::reporter::{Desired, Reporter, Seen};
use crate::state::Place;
use crate::{clock, log};

/// How often the boot report is read, and how old the sign of life may be.
const TURN: Duration = Duration::from_secs(10);
/// How often disks are looked for.
const DISKS: Duration = Duration::from_secs(60);
/// Scrapes that may wait; Prometheus sends one every few seconds.
const SCRAPES: usize = 8;
/// Without a sign of life for this long, it hangs.
const ALIVE: Duration = Duration::from_secs(60);

/// What others know of the thread.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    shared: Arc<Shared>,
    waker: Waker,
    scrapes: SyncSender<oneshot::Sender<String>>,
}

#[derive(Debug, Default)]
struct Shared {
    over: AtomicBool,
    /// What was published has changed, and is to be kept.
    keep: AtomicBool,
    /// When it turned last, in milliseconds since the machine booted.
    turned: AtomicU64,
    settled: AtomicBool,
}

impl Handle {
    /// The metrics as text; `None` where the thread does not answer.
    pub(crate) async fn scrape(&self, patience: Duration) -> Option<String> {
        let (sender, answer) = oneshot::channel();
        self.scrapes.try_send(sender).ok()?;
        self.waker.wake();
        tokio::time::timeout(patience, answer).await.ok()?.ok()
    }

    /// What was published has changed: it is to be kept over a restart.
    pub(crate) fn keep(&self) {
        self.shared.keep.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether the thread turns.
    pub(crate) fn is_alive(&self) -> bool {
        let turned = Duration::from_millis(self.shared.turned.load(Ordering::Acquire));
        clock::now().boot.saturating_sub(turned) < ALIVE
    }

    /// Whether every source has had its time to answer.
    pub(crate) fn is_settled(&self) -> bool {
        self.shared.settled.load(Ordering::Acquire)
    }

    /// The thread is to end.
    pub(crate) fn end(&self) {
        self.shared.over.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// What the thread works with.
#[derive(Debug)]
pub(crate) struct Watcher {
    pub(crate) machine: Machine,
    pub(crate) reporter: Reporter,
    pub(crate) post: Post,
    /// Where the state is kept, if anywhere.
    pub(crate) place: Option<Place>,
    /// What an earlier run has published.
    pub(crate) before: Option<Desired>,
    /// The boot, as it is kept.
    pub(crate) boot_id: String,
    /// The node's name, for the metrics.
    pub(crate) node: String,
}

impl Watcher {
    /// Starts the thread, with the findings of an earlier run. The receiver ends with the thread.
    pub(crate) fn start(self, health: Health) -> std::io::Result<(Handle, oneshot::Receiver<()>)> {
        let monitor = Monitor::resume(self.machine.settings.clone(), health)?;
        let (scrapes, asked) = sync_channel(SCRAPES);
        let handle = Handle { shared: Arc::default(), waker: monitor.waker(), scrapes };
        let (alive, ended) = oneshot::channel();
        let shared = Arc::clone(&handle.shared);
        let work = move || {
            let _alive = alive;
            Turn::new(self, monitor, shared, asked).run();
        };
        std::thread::Builder::new().name("watcher".to_owned()).spawn(work)?;
        Ok((handle, ended))
    }
}

/// The thread.
struct Turn {
    watcher: Watcher,
    monitor: Monitor,
    shared: Arc<Shared>,
    asked: Receiver<oneshot::Sender<String>>,
    bootstrapped: Bootstrapped,
    disks: (Instant, Vec<Disk>),
    /// What could not be kept, told once.
    not_kept: Option<String>,
}

impl Turn {
    fn new(
        watcher: Watcher,
        monitor: Monitor,
        shared: Arc<Shared>,
        asked: Receiver<oneshot::Sender<String>>,
    ) -> Self {
        let bootstrapped = read_report(&watcher.machine);
        let disks = (Instant::now(), Disk::all(&watcher.machine.root));
        Self { watcher, monitor, shared, asked, bootstrapped, disks, not_kept: None }
    }

    fn run(&mut self) {
        let mut turn_ends = Instant::now() + TURN;
        self.judge();
        while !self.shared.over.load(Ordering::Acquire) {
            let milliseconds = u64::try_from(clock::now().boot.as_millis()).unwrap_or(u64::MAX);
            self.shared.turned.store(milliseconds, Ordering::Release);
            let news = self.monitor.next(self.until(turn_ends));
            let turned = Instant::now() >= turn_ends;
            if turned {
                turn_ends = Instant::now() + TURN;
                self.look_around();
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
        if self.disks.0.elapsed() >= DISKS {
            self.disks = (Instant::now(), Disk::all(&self.watcher.machine.root));
        }
    }

    fn report(&self) -> Report {
        let (health, sources) = (self.monitor.health(), self.monitor.sources());
        self.watcher.machine.report(health, sources, self.disks.1.clone(), clock::now().unix_ms)
    }

    fn judge(&mut self) {
        let now = clock::now();
        let changes = self.monitor.take_changes();
        for change in &changes {
            tracing::info!(node = self.watcher.node, "{}", sentence(change));
            if let Some(told) = Told::of(change, now.unix_ms) {
                self.watcher.post.tell(told);
            }
        }
        let report = self.report();
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
        let health = self.monitor.health().save(&self.watcher.boot_id);
        let (published, events) = {
            let publisher = self.watcher.post.publisher();
            (publisher.published().clone(), publisher.events().clone())
        };
        let kept = place.save(health, self.watcher.reporter.last(), &published, &events);
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

fn sentence(change: &gpunode_host::health::Change) -> String {
    use gpunode_host::health::Change::{Altered, Appeared, Gone};
    let (word, finding) = match change {
        Appeared(finding) => ("found", finding),
        Altered(finding) => ("changed", finding),
        Gone(finding) => ("over", finding),
    };
    format!("{word}: {} ({}): {}", finding.code, finding.subject, finding.message)
}
