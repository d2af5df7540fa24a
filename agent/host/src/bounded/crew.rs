//! Threads that share the reads: one where all cards answer, more where reads stand.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::asleep::{Task, Times};
use super::pool::Job;

/// A reader needs little: a path, a buffer of a few hundred bytes, the standard library's file calls.
pub(super) const STACK: usize = 64 << 10;
/// After so long without one more read begun, there are twice as many threads: a card answers within a millisecond.
pub(super) const PATIENCE: Duration = Duration::from_millis(10);

/// A read to do, by whatever name its owner knows it.
pub(super) struct Read<N, T> {
    pub(super) name: N,
    pub(super) job: Job<T>,
}

/// A read that came back.
pub(super) struct Back<N, T> {
    pub(super) read: Read<N, T>,
    pub(super) started: Instant,
    pub(super) took: Duration,
    pub(super) value: T,
}

/// The threads. They end when this is dropped, each after the read it is at.
pub(super) struct Crew<N, T>(Arc<Shared<N, T>>);

struct Shared<N, T> {
    state: Mutex<State<N, T>>,
    /// There is a read to do, or it is over.
    work: Condvar,
    /// Reads came back, and none is left to do.
    done: Condvar,
}

struct State<N, T> {
    open: VecDeque<Read<N, T>>,
    begun: Vec<Begun<N>>,
    back: Vec<Back<N, T>>,
    threads: usize,
    idle: usize,
    /// The system gives no thread more.
    short: bool,
    /// When the last read was begun, or came when there was none, or threads were made because none was begun.
    moved: Instant,
    over: bool,
}

/// A read that a thread is at.
struct Begun<N> {
    name: N,
    started: Instant,
    /// What the thread had had of the processors before.
    before: Option<Times>,
    task: Option<Arc<Task>>,
}

impl<N: Clone + PartialEq + Send + 'static, T: Send + 'static> Crew<N, T> {
    pub(super) fn new() -> Self {
        let state = State {
            open: VecDeque::new(),
            begun: Vec::new(),
            back: Vec::new(),
            threads: 0,
            idle: 0,
            short: false,
            moved: Instant::now(),
            over: false,
        };
        Self(Arc::new(Shared { state: Mutex::new(state), work: Condvar::new(), done: Condvar::new() }))
    }

    /// Takes a read. Nothing happens before the next [`Crew::serve`].
    pub(super) fn add(&self, read: Read<N, T>) {
        let mut state = self.0.lock();
        if state.open.is_empty() {
            state.moved = Instant::now();
        }
        state.open.push_back(read);
    }

    /// Sees to it that somebody does the reads: wakes the thread that rests, makes the first one, and as many again where
    /// none was begun for a while. Where the system has no thread at all, the reads are given back.
    pub(super) fn serve(&self) -> Result<(), (io::ErrorKind, Vec<Read<N, T>>)> {
        let mut state = self.0.lock();
        if state.open.is_empty() {
            return Ok(());
        }
        if state.idle > 0 {
            self.0.work.notify_one();
        }
        // One that rests has only just been woken, or the machine is busy: another thread would wait, too.
        let stands = state.idle == 0 && state.moved.elapsed() >= PATIENCE;
        let more = if stands { state.threads.max(1) } else { usize::from(state.threads == 0) };
        if stands {
            // The next ones come when these have begun nothing for a while, either.
            state.moved = Instant::now();
        }
        // On a busy machine a thread takes its time to come: those that are on their way are enough for as many reads.
        let coming = state.threads.saturating_sub(state.begun.len());
        for _ in 0..more.min(state.open.len().saturating_sub(coming)) {
            match self.spawn() {
                Ok(()) => (state.threads, state.short) = (state.threads + 1, false),
                Err(error) if state.threads == 0 => return Err((error, state.open.drain(..).collect())),
                // The deadline tells of those that nobody begins.
                Err(_) => {
                    state.short = true;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether the read of `name` takes so long by itself, at the device or the driver that is asked. One whose thread
    /// wants a processor, or that nobody has begun, says nothing but that the machine is busy; for one that no thread can
    /// be had for, nobody knows better.
    pub(super) fn stands(&self, name: &N) -> bool {
        let state = self.0.lock();
        match state.begun.iter().find(|begun| begun.name == *name) {
            Some(begun) => {
                let stands = |task: &Arc<Task>| task.stands_since(begun.started, begun.before);
                begun.task.as_ref().is_none_or(stands)
            }
            None => state.short && state.open.iter().any(|read| read.name == *name),
        }
    }

    /// What came back since the last call.
    pub(super) fn take(&self) -> Vec<Back<N, T>> {
        std::mem::take(&mut self.0.lock().back)
    }

    /// When [`Crew::serve`] is to be called again; `None` where all reads were begun.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.0.lock().patience()
    }

    /// Waits until all that was begun in one go is back, until [`Crew::serve`] is to be called, or until `until`.
    pub(super) fn wait(&self, until: Instant) {
        let mut state = self.0.lock();
        while state.back.is_empty() || !state.open.is_empty() {
            let until = state.patience().map_or(until, |patience| patience.min(until));
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.0.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How many threads there are.
    pub(super) fn threads(&self) -> usize {
        self.0.lock().threads
    }

    fn spawn(&self) -> Result<(), io::ErrorKind> {
        let shared = Arc::clone(&self.0);
        let builder = thread::Builder::new().name("reader".to_owned()).stack_size(STACK);
        builder.spawn(move || shared.work()).map(drop).map_err(|error| error.kind())
    }
}

impl<N, T> Drop for Crew<N, T> {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.work.notify_all();
    }
}

impl<N: Clone + PartialEq, T> Shared<N, T> {
    fn work(&self) {
        let _end = End(self);
        let task = Task::current().map(Arc::new);
        while let Some(mut read) = self.next(task.as_ref()) {
            let started = Instant::now();
            let value = (read.job)();
            let took = started.elapsed();
            let mut state = self.lock();
            state.begun.retain(|begun| begun.name != read.name);
            state.back.push(Back { read, started, took, value });
            if state.open.is_empty() {
                self.done.notify_one();
            }
        }
    }

    /// Waits for a read; none where the thread is not needed any more: one may rest.
    fn next(&self, task: Option<&Arc<Task>>) -> Option<Read<N, T>> {
        let mut state = self.lock();
        while !state.over {
            if let Some(read) = state.open.pop_front() {
                state.moved = Instant::now();
                let (name, started, task) = (read.name.clone(), state.moved, task.cloned());
                let before = task.as_ref().and_then(|task| task.times());
                state.begun.push(Begun { name, started, before, task });
                return Some(read);
            }
            if state.idle > 0 {
                return None;
            }
            state.idle += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
        None
    }
}

impl<N, T> Shared<N, T> {
    /// No thread leaves it half way.
    fn lock(&self) -> MutexGuard<'_, State<N, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<N, T> State<N, T> {
    fn patience(&self) -> Option<Instant> {
        (!self.open.is_empty()).then(|| self.moved + PATIENCE)
    }
}

/// Counts a thread that ends, however it does.
struct End<'a, N, T>(&'a Shared<N, T>);

impl<N, T> Drop for End<'_, N, T> {
    fn drop(&mut self) {
        self.0.lock().threads -= 1;
    }
}
