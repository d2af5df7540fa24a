//! Reads that are done once, by a program that looks once.

use std::collections::VecDeque;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::crew::{PATIENCE, STACK};
use super::pool::Job;

/// What a read brought, and how long it took; `None` where it had not come back by the deadline.
type Answer<T> = Option<(T, Duration)>;

/// Threads that [`once`] begins with.
const FEW: usize = 2;
/// Does all reads and returns what came back before the deadline, in the order of `jobs`. A read that did not goes on
/// in its thread and is forgotten. A thread does one read after the other, and where reads stand, others take over: of
/// 32 the last begins after 40 ms.
pub fn once<T: Send + 'static>(jobs: Vec<Job<T>>, deadline: Duration) -> Vec<Answer<T>> {
    let end = Instant::now() + deadline;
    let mut answers: Vec<Answer<T>> = jobs.iter().map(|_| None).collect();
    let mut open = jobs.len();
    let jobs = Jobs(Arc::new(Mutex::new(jobs.into_iter().enumerate().collect())));
    let (sender, results) = channel();
    let mut threads = 0;
    let mut wanted = FEW;
    while open > 0 {
        while threads < wanted && jobs.are_left() && jobs.serve(&sender) {
            threads += 1;
        }
        let wait = end.saturating_duration_since(Instant::now()).min(PATIENCE);
        // Without a thread there is no answer, as for a read that hangs.
        if wait.is_zero() || threads == 0 {
            break;
        }
        if let Ok((index, value, took)) = results.recv_timeout(wait) {
            answers[index] = Some((value, took));
            open -= 1;
        } else {
            wanted = threads * 2;
        }
    }
    jobs.clear();
    answers
}

/// Reads with their places in the order of the answers.
type Numbered<T> = VecDeque<(usize, Job<T>)>;

/// The reads that nobody has begun.
struct Jobs<T>(Arc<Mutex<Numbered<T>>>);

impl<T: Send + 'static> Jobs<T> {
    /// A thread that does them; false where the system has none.
    fn serve(&self, answers: &Sender<(usize, T, Duration)>) -> bool {
        let (jobs, answers) = (Self(Arc::clone(&self.0)), answers.clone());
        let work = move || {
            while let Some((index, mut job)) = jobs.next() {
                let started = Instant::now();
                let value = job();
                // Nobody listens any more after the deadline.
                if answers.send((index, value, started.elapsed())).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("reader".to_owned()).stack_size(STACK).spawn(work).is_ok()
    }

    fn next(&self) -> Option<(usize, Job<T>)> {
        self.all().pop_front()
    }

    fn are_left(&self) -> bool {
        !self.all().is_empty()
    }

    fn clear(&self) {
        self.all().clear();
    }

    /// No thread does anything with it that could fail half way.
    fn all(&self) -> MutexGuard<'_, Numbered<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
