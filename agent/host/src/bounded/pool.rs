//! The threads.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::schedule::{Schedule, Timing};

/// A reader needs little: a path, a buffer of a few hundred bytes, the standard library's file calls.
pub(super) const STACK: usize = 64 << 10;

/// One read of one subject. It may keep something from one read to the next.
pub type Job<T> = Box<dyn FnMut() -> T + Send>;

/// Prepares the reads of a subject.
type Make<T> = Box<dyn Fn(&str) -> Job<T> + Send>;

/// What happened to a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<T> {
    /// It came back, in time or not.
    Done {
        /// The subject.
        name: Arc<str>,
        /// When it began.
        started: Instant,
        /// How long it took.
        took: Duration,
        /// What it brought.
        value: T,
    },
    /// It has not come back within the deadline. Told once; a `Done` follows if it ever comes back.
    Stalled {
        /// The subject.
        name: Arc<str>,
        /// When the read began.
        since: Instant,
    },
    /// The system gave no thread for it; it is tried again in the next period.
    NoThread {
        /// The subject.
        name: Arc<str>,
        /// Why.
        error: io::ErrorKind,
    },
}

/// A thread for each subject, each reading once in a period. Threads are made when a subject is read for the first
/// time and end when it goes away; no other call makes one. The caller's loop is
/// `loop { pool.tick(now) …; pool.wait(pool.next_wake()) }`, or `tick` from a loop of its own.
pub struct Pool<T> {
    make: Make<T>,
    schedule: Schedule,
    workers: BTreeMap<Arc<str>, SyncSender<()>>,
    sender: Sender<Event<T>>,
    results: Receiver<Event<T>>,
    waiting: VecDeque<Event<T>>,
}

impl<T: Send + 'static> Pool<T> {
    /// A pool without subjects; `make` prepares the reads of one.
    pub fn new(timing: Timing, now: Instant, make: impl Fn(&str) -> Job<T> + Send + 'static) -> Self {
        let (sender, results) = channel();
        Self {
            make: Box::new(make),
            schedule: Schedule::new(timing, now),
            workers: BTreeMap::new(),
            sender,
            results,
            waiting: VecDeque::new(),
        }
    }

    /// Makes the subjects these. The thread of one that went away ends when its read comes back; if the subject is
    /// there again before that, the same thread serves it.
    pub fn sync(&mut self, names: &[Arc<str>], now: Instant) {
        for name in self.schedule.sync(names, now) {
            self.workers.remove(&name);
        }
    }

    /// Starts the reads whose time has come, and returns what happened since the last call. Never blocks.
    pub fn tick(&mut self, now: Instant) -> Vec<Event<T>> {
        let mut events: Vec<_> = self.waiting.drain(..).chain(self.results.try_iter()).collect();
        for event in &events {
            if let Event::Done { name, .. } = event
                && !self.schedule.finish(name, now)
            {
                self.workers.remove(name);
            }
        }
        for name in self.schedule.start(now) {
            if let Err(error) = self.start(&name) {
                self.schedule.finish(&name, now);
                self.workers.remove(&name);
                events.push(Event::NoThread { name, error });
            }
        }
        let overdue = self.schedule.overdue(now).into_iter();
        events.extend(overdue.map(|(name, since)| Event::Stalled { name, since }));
        events
    }

    /// When `tick` has something to do next, results aside; `None` while there is nothing to read.
    pub fn next_wake(&self) -> Option<Instant> {
        self.schedule.next_wake()
    }

    /// Waits until a read comes back, or until `until`. What came back is in the next `tick`.
    pub fn wait(&mut self, until: Instant) {
        let timeout = until.saturating_duration_since(Instant::now());
        if self.waiting.is_empty()
            && let Ok(event) = self.results.recv_timeout(timeout)
        {
            self.waiting.push_back(event);
        }
    }

    /// The reads that are past their deadline now, with their beginnings.
    pub fn stalled(&self) -> impl Iterator<Item = (&str, Instant)> {
        self.schedule.stalled()
    }

    /// How long it takes until every subject was read once.
    pub fn period(&self) -> Duration {
        self.schedule.period()
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.workers.len()
    }

    fn start(&mut self, name: &Arc<str>) -> Result<(), io::ErrorKind> {
        if !self.workers.contains_key(name) {
            let worker = spawn(Arc::clone(name), (self.make)(name), self.sender.clone())?;
            self.workers.insert(Arc::clone(name), worker);
        }
        let worker = self.workers.get(name).ok_or(io::ErrorKind::NotFound)?;
        // The channel is empty: a worker is asked again only after its answer.
        worker.try_send(()).map_err(|_| io::ErrorKind::BrokenPipe)
    }
}

fn spawn<T: Send + 'static>(
    name: Arc<str>,
    mut job: Job<T>,
    results: Sender<Event<T>>,
) -> Result<SyncSender<()>, io::ErrorKind> {
    let (start, asked) = sync_channel(1);
    let work = move || {
        while asked.recv().is_ok() {
            let started = Instant::now();
            let value = job();
            let done = Event::Done { name: Arc::clone(&name), started, took: started.elapsed(), value };
            if results.send(done).is_err() {
                return;
            }
        }
    };
    let builder = thread::Builder::new().name("reader".to_owned()).stack_size(STACK);
    builder.spawn(work).map(|_| start).map_err(|error| error.kind())
}
