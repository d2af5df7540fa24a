//! Reads that are done once, by a program that looks once.

use std::time::{Duration, Instant};

use super::crew::{Back, Crew, Read};
use super::pool::Job;

/// What a read brought, and how long it took; `None` where it had not come back by the deadline.
type Answer<T> = Option<(T, Duration)>;

/// How many deadlines a read may take on a machine that has no processor for it.
const MOST: u32 = 30;

/// Does all reads and returns what came back before the deadline, in the order of `jobs`. A read that stands then goes on
/// in its thread and is forgotten; one that is late because the machine is busy is waited for, [`MOST`] times as long at
/// most. A thread does one read after the other, and where reads stand, others take over: of 32 the last begins after
/// 50 ms.
pub fn once<T: Send + 'static>(jobs: Vec<Job<T>>, deadline: Duration) -> Vec<Answer<T>> {
    let end = Instant::now() + deadline;
    let mut answers: Vec<Answer<T>> = jobs.iter().map(|_| None).collect();
    let crew = Crew::new();
    for (place, job) in jobs.into_iter().enumerate() {
        crew.add(Read { name: place, job });
    }
    let last = end + deadline.saturating_mul(MOST - 1);
    // Without a thread there is no answer, as for a read that hangs.
    while crew.serve().is_ok() {
        for Back { read, took, value, .. } in crew.take() {
            answers[read.name] = Some((value, took));
        }
        let now = Instant::now();
        let mut open = (0..answers.len()).filter(|place| answers[*place].is_none());
        let is_over = if now < end { open.next().is_none() } else { open.all(|place| crew.stands(&place)) };
        if is_over || now >= last {
            break;
        }
        crew.wait(end.max(now + deadline / 8));
    }
    answers
}
