//! The ports' counters over time.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::folder::{Folder, PortFailure, PortReading};
use crate::Root;
use crate::bounded::{Event, Job, Pool, Timing};

/// A reading costs a card five admin commands at most, and all cards of a node together get twenty a second.
const GAP: Duration = Duration::from_millis(250);

/// On a large node three or four cards are asked at the same moment: it is the waking up that costs a healthy machine
/// most.
const STEP: Duration = Duration::from_secs(1);

/// What came of reading one port.
type Read = Result<PortReading, PortFailure>;

/// Reads the ports' counters of every EFA device, evenly spread over the period, none delayed by a card
/// that does not answer. The
/// loop is the caller's: `tick` when something is due, or from a tick of its own; nothing here blocks but `wait`.
///
/// `T` is what the caller's loop gets of each reading: by [`PortReaders::new`] all of it; by [`PortReaders::telling`]
/// nothing, since the reading thread has told it already, which saves a waking of the loop for each.
pub struct PortReaders<T = Read> {
    pool: Pool<T>,
}

/// What happened to a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortEvent {
    /// The card answered.
    Read {
        /// The RDMA device.
        device: Arc<str>,
        /// When the read began.
        at: Instant,
        /// How long it took; above the deadline it was reported as stalled before.
        took: Duration,
        /// The counters.
        reading: Box<PortReading>,
    },
    /// The card, or the kernel for it, refused.
    Failed {
        /// The RDMA device.
        device: Arc<str>,
        /// When the read began.
        at: Instant,
        /// How long it took; above the deadline it was reported as stalled before.
        took: Duration,
        /// What the kernel said.
        failure: PortFailure,
    },
    /// The card has not answered within the deadline. Told once for each read; what becomes of the read follows.
    Stalled {
        /// The RDMA device.
        device: Arc<str>,
        /// When the read began.
        since: Instant,
    },
    /// The system gave no thread to read with.
    NoThread {
        /// The RDMA device.
        device: Arc<str>,
        /// Why.
        error: io::ErrorKind,
    },
}

impl PortReaders {
    /// Often enough to find trouble within ten seconds, and 16 admin commands a second on the largest node.
    pub const PERIOD: Duration = Duration::from_secs(10);
    /// The driver's own limit is 30 s; a healthy card answers in well under a millisecond.
    pub const DEADLINE: Duration = Duration::from_secs(2);

    /// Readers without devices. With more than `period` ÷ 250 ms devices the period grows, so that the cards get no
    /// more than 20 admin commands a second together.
    pub fn new(root: Root, period: Duration, deadline: Duration, now: Instant) -> Self {
        Self::then(root, Timing { period, deadline, gap: GAP, step: STEP }, now, |_, read| read)
    }

    /// Starts what is due and returns what happened. Never blocks.
    pub fn tick(&mut self, now: Instant) -> Vec<PortEvent> {
        self.pool.tick(now).into_iter().map(PortEvent::from).collect()
    }
}

impl PortReaders<()> {
    /// As [`PortReaders::new`], where `tell` hears of each reading, on the thread that read: by the device's name.
    pub fn telling(
        root: Root,
        period: Duration,
        deadline: Duration,
        now: Instant,
        tell: impl Fn(&Arc<str>, Read) + Clone + Send + 'static,
    ) -> Self {
        Self::then(root, Timing { period, deadline, gap: GAP, step: STEP }, now, tell)
    }

    /// Starts what is due and returns the devices that have just passed the deadline. Never blocks.
    pub fn stalled_now(&mut self, now: Instant) -> Vec<Arc<str>> {
        let stalled = |event| match event {
            Event::Stalled { name, .. } => Some(name),
            // Without a thread it is tried again in the next period.
            Event::Done { .. } | Event::NoThread { .. } => None,
        };
        self.pool.tick(now).into_iter().filter_map(stalled).collect()
    }
}

impl<T: Send + 'static> PortReaders<T> {
    fn then(
        root: Root,
        timing: Timing,
        now: Instant,
        then: impl Fn(&Arc<str>, Read) -> T + Clone + Send + 'static,
    ) -> Self {
        let make = move |device: &str| -> Job<T> {
            let (mut folder, name) = (Folder::new(root.clone(), device), Arc::from(device));
            let then = then.clone();
            Box::new(move || then(&name, folder.read()))
        };
        Self { pool: Pool::new(timing, now, make) }
    }

    /// Makes the devices these, by name. A device that is new is read for the first time within a period.
    pub fn sync(&mut self, devices: &[Arc<str>], now: Instant) {
        self.pool.sync(devices, now);
    }

    /// When `tick` has something to do next, answers aside.
    pub fn next_wake(&self) -> Option<Instant> {
        self.pool.next_wake()
    }

    /// Waits until a card answers, or until `until`. The answer is in the next `tick`.
    pub fn wait(&mut self, until: Instant) {
        self.pool.wait(until);
    }

    /// The devices whose read is past its deadline now, with its beginning.
    pub fn stalled(&self) -> impl Iterator<Item = (&str, Instant)> {
        self.pool.stalled()
    }

    /// How long it takes until every port was read once.
    pub fn period(&self) -> Duration {
        self.pool.period()
    }

    /// How many threads there are: one, and one more for each card that does not answer.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }
}

impl From<Event<Read>> for PortEvent {
    fn from(event: Event<Read>) -> Self {
        match event {
            Event::Done { name: device, started: at, took, value } => match value {
                Ok(reading) => Self::Read { device, at, took, reading: Box::new(reading) },
                Err(failure) => Self::Failed { device, at, took, failure },
            },
            Event::Stalled { name: device, since } => Self::Stalled { device, since },
            Event::NoThread { name: device, error } => Self::NoThread { device, error },
        }
    }
}
