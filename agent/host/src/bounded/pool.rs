//! Reads of many subjects, over and over.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::crew::{Back, Crew, Read};
use super::schedule::{Schedule, Timing};

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
    /// It has not come back within the deadline, and not for want of a processor. Told once; a `Done` follows if it ever
    /// comes back.
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

/// Reads each subject once in a period. As long as all answer one thread does it; where a read stands, others take over
/// within 10 ms, and end when they are not needed any more. The caller's loop is
/// `loop { pool.tick(now) …; pool.wait(pool.next_wake()) }`, or `tick` from a loop of its own.
pub struct Pool<T> {
    make: Make<T>,
    schedule: Schedule,
    /// The reads that are not under way.
    resting: BTreeMap<Arc<str>, Job<T>>,
    crew: Crew<Arc<str>, T>,
}

impl<T: Send + 'static> Pool<T> {
    /// A pool without subjects; `make` prepares the reads of one.
    pub fn new(timing: Timing, now: Instant, make: impl Fn(&str) -> Job<T> + Send + 'static) -> Self {
        let (make, schedule) = (Box::new(make), Schedule::new(timing, now));
        Self { make, schedule, resting: BTreeMap::new(), crew: Crew::new() }
    }

    /// Makes the subjects these. One that went away while its read was under way, and is there again before that comes
    /// back, is read by the same job.
    pub fn sync(&mut self, names: &[Arc<str>], now: Instant) {
        for name in self.schedule.sync(names, now) {
            self.resting.remove(&name);
        }
    }

    /// Starts the reads whose time has come, and returns what happened since the last call. Never blocks.
    pub fn tick(&mut self, now: Instant) -> Vec<Event<T>> {
        let mut events = Vec::new();
        for Back { read, started, took, value } in self.crew.take() {
            events.push(Event::Done { name: Arc::clone(&read.name), started, took, value });
            self.rest(read, now);
        }
        for name in self.schedule.start(now) {
            let job = self.resting.remove(&name).unwrap_or_else(|| (self.make)(&name));
            self.crew.add(Read { name, job });
        }
        if let Err((error, reads)) = self.crew.serve() {
            for read in reads {
                events.push(Event::NoThread { name: Arc::clone(&read.name), error });
                self.rest(read, now);
            }
        }
        let overdue = self.schedule.overdue(now, |name| self.crew.stands(name)).into_iter();
        events.extend(overdue.map(|(name, since)| Event::Stalled { name, since }));
        events
    }

    /// When `tick` has something to do next, results aside; `None` while there is nothing to read.
    pub fn next_wake(&self) -> Option<Instant> {
        self.schedule.next_wake().into_iter().chain(self.crew.next_wake()).min()
    }

    /// Waits until reads came back, until `tick` has something to do for those that stand, or until `until`. What came
    /// back is in the next `tick`.
    pub fn wait(&mut self, until: Instant) {
        self.crew.wait(until);
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
        self.crew.threads()
    }

    /// Keeps the job of a subject that is still wanted.
    fn rest(&mut self, read: Read<Arc<str>, T>, now: Instant) {
        if self.schedule.finish(&read.name, now) {
            self.resting.insert(read.name, read.job);
        }
    }
}
