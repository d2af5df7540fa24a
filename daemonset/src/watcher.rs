//! The thread that watches the machine: it alone touches hardware, and nobody waits for it without a limit.

mod turn;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use gpunode_monitor::{Health, Monitor, Waker};
use tokio::sync::oneshot;

use crate::clock::{self, Wall};
use crate::machine::Machine;
use crate::mounts::Mounts;
use crate::post::Post;
use crate::reporter::{Desired, Reporter};
use crate::state::{Lock, Place};
use turn::Turn;

/// Scrapes that may wait; Prometheus sends one every few seconds.
const SCRAPES: usize = 8;
/// How long the thread may take to end.
const PARTING: Duration = Duration::from_secs(2);
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
    gone: AtomicBool,
}

impl Shared {
    fn turn(&self) {
        let milliseconds = u64::try_from(clock::now().boot.as_millis()).unwrap_or(u64::MAX);
        self.turned.store(milliseconds, Ordering::Release);
    }
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

    /// Ends the thread, and waits a little until it has kept what it knows.
    pub(crate) async fn end(&self) {
        self.shared.over.store(true, Ordering::Release);
        self.waker.wake();
        let until = Instant::now() + PARTING;
        while !self.shared.gone.load(Ordering::Acquire) && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// What the thread works with.
#[derive(Debug)]
pub(crate) struct Watcher {
    pub(crate) machine: Machine,
    pub(crate) mounts: Mounts,
    pub(crate) reporter: Reporter,
    pub(crate) post: Post,
    /// Where the state is kept, if anywhere.
    pub(crate) place: Option<Place>,
    /// Let go of when the thread has kept what it knows.
    pub(crate) _lock: Option<Lock>,
    /// What an earlier run has published.
    pub(crate) before: Option<Desired>,
    /// The time by which all of this was noted.
    pub(crate) wall: Wall,
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
        shared.turn();
        let work = move || {
            let _alive = alive;
            Turn::new(self, monitor, Arc::clone(&shared), asked).run();
            shared.gone.store(true, Ordering::Release);
        };
        std::thread::Builder::new().name("watcher".to_owned()).spawn(work)?;
        Ok((handle, ended))
    }
}
