//! Reads that are done once, by a program that looks once.

use std::time::{Duration, Instant};

use super::crew::{Back, Crew, Read};
use super::pool::Job;

/// What a read brought, and how long it took; `None` where it had not come back by the deadline.
type Answer<T> = Option<(T, Duration)>;

/// Does all reads and returns what came back before the deadline, in the order of `jobs`. A read that did not goes on
/// in its thread and is forgotten. A thread does one read after the other, and where reads stand, others take over: of
/// 32 the last begins after 50 ms.
pub fn once<T: Send + 'static>(jobs: Vec<Job<T>>, deadline: Duration) -> Vec<Answer<T>> {
    let end = Instant::now() + deadline;
    let mut answers: Vec<Answer<T>> = jobs.iter().map(|_| None).collect();
    let mut open = jobs.len();
    let crew = Crew::new();
    for (place, job) in jobs.into_iter().enumerate() {
        crew.add(Read { name: place, job });
    }
    // Without a thread there is no answer, as for a read that hangs.
    while open > 0 && Instant::now() < end && crew.serve().is_ok() {
        crew.wait(end);
        for Back { read, took, value, .. } in crew.take() {
            answers[read.name] = Some((value, took));
            open -= 1;
        }
    }
    answers
}
