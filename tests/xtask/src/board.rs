//! Which job is started next, and how each ended.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::job::Job;

/// One job's end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) job: Job,
    pub(crate) took: Duration,
    pub(crate) outcome: Result<(), Error>,
}

/// The jobs of one run, shared by those who run them.
#[derive(Debug)]
pub(crate) struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Job>,
    running: Vec<Job>,
    ended: Vec<Ended>,
}

impl Board {
    /// Jobs in the order they should be started.
    pub(crate) fn new(jobs: Vec<Job>) -> Self {
        let state = State { waiting: jobs, ..State::default() };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Runs jobs by `run` until none is left, or one has failed, here or at another's.
    pub(crate) fn work(&self, run: impl Fn(Job) -> Result<(), Error>) {
        while let Some(job) = self.take() {
            let begun = Instant::now();
            let outcome = run(job);
            let took = begun.elapsed();
            let mut state = self.lock();
            state.running.retain(|other| *other != job);
            if outcome.is_err() {
                state.waiting.clear();
            }
            state.ended.push(Ended { job, took, outcome });
            self.changed.notify_all();
        }
    }

    /// The ends, in the order they came. Those that are missing were never started.
    pub(crate) fn ended(self) -> Vec<Ended> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).ended
    }

    /// Waits for a job that can be started; none where no more will be.
    fn take(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.start() {
                return Some(job);
            }
            if state.waiting.is_empty() {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn start(&mut self) -> Option<Job> {
        let open = |job: &Job| {
            let held = |other: &Job| job.comes_after(*other);
            !self.waiting.iter().chain(&self.running).any(held)
                && !self.running.iter().any(|other| job.excludes(*other))
        };
        let at = self.waiting.iter().position(open)?;
        let job = self.waiting.remove(at);
        self.running.push(job);
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each of two could start, the second to end first, as long as there is something.
    fn order(jobs: Vec<Job>) -> Vec<Vec<Job>> {
        let mut state = State { waiting: jobs, ..State::default() };
        let mut rounds = Vec::new();
        while !state.waiting.is_empty() || !state.running.is_empty() {
            while state.running.len() < 2 && state.start().is_some() {}
            rounds.push(state.running.clone());
            state.running.pop().expect("something is always running");
        }
        rounds
    }

    #[test]
    fn every_job_gets_its_turn_and_compilers_do_not_wait_for_each_other() {
        let rounds = order(Job::plan(&[]));
        for job in Job::plan(&[]) {
            assert!(rounds.iter().flatten().any(|ran| *ran == job), "{job:?} was never started");
        }
        for pair in rounds.iter().filter(|round| round.len() == 2) {
            assert!(!pair[0].excludes(pair[1]), "{pair:?}");
            assert!(!pair[1].comes_after(pair[0]), "{pair:?}");
        }
        assert!(rounds.contains(&vec![Job::Clippy, Job::Package]), "{rounds:?}");
    }

    #[test]
    fn a_chain_is_one_job_after_the_other() {
        let chain = [Job::Prerequisites, Job::Package, Job::Static];
        assert_eq!(order(chain.to_vec()), chain.map(|job| vec![job]));
    }

    #[test]
    fn after_one_that_fails_none_is_started() {
        let board = Board::new(vec![Job::Prerequisites, Job::Package, Job::Static]);
        board.work(|job| match job {
            Job::Package => Err(Error::Advice("no compiler".to_owned())),
            _ => Ok(()),
        });
        let ended = board.ended().into_iter().map(|one| (one.job, one.outcome.is_ok())).collect::<Vec<_>>();
        assert_eq!(ended, [(Job::Prerequisites, true), (Job::Package, false)]);
    }

    #[test]
    fn two_at_once_are_beside_each_other() {
        let board = Board::new(vec![Job::Clippy, Job::Package]);
        let both = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                // Each waits for the other: one after the other they would never end.
                scope.spawn(|| {
                    board.work(|_| {
                        both.wait();
                        Ok(())
                    });
                });
            }
        });
        assert_eq!(board.ended().len(), 2);
    }
}
