//! The clocks of a download: the whole time, the time without bytes, and whether it is still wanted.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::{Cause, Limits, Watch};

/// How often it is asked whether the download is still wanted.
const TICK: Duration = Duration::from_millis(100);

pub(crate) struct Pace<'a> {
    limits: Limits,
    end: Instant,
    watch: &'a dyn Watch,
    /// The stretch in which [`Limits::LEAST`] bytes must come in.
    since: Instant,
    bytes: u64,
}

impl<'a> Pace<'a> {
    pub(crate) fn new(limits: Limits, watch: &'a dyn Watch) -> Self {
        let now = Instant::now();
        Self { limits, end: now + limits.total, watch, since: now, bytes: 0 }
    }

    pub(crate) fn watch(&self) -> &'a dyn Watch {
        self.watch
    }

    /// A new request begins: it has all of the idle time.
    pub(crate) fn begin(&mut self) {
        (self.since, self.bytes) = (Instant::now(), 0);
    }

    pub(crate) fn came(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    pub(crate) fn alive(&self) -> Result<(), Cause> {
        if !self.watch.go_on() {
            return Err(Cause::Cancelled);
        }
        if Instant::now() >= self.end {
            return Err(Cause::Deadline { total: self.limits.total });
        }
        Ok(())
    }

    fn flowing(&mut self) -> Result<(), Cause> {
        if self.since.elapsed() < self.limits.idle {
            return Ok(());
        }
        if self.bytes < Limits::LEAST {
            return Err(Cause::Stalled { idle: self.limits.idle });
        }
        self.begin();
        Ok(())
    }

    /// The outcome of `work`, unless one of the clocks strikes first.
    pub(crate) async fn run<F: Future>(&mut self, work: F) -> Result<F::Output, Cause> {
        let mut work = pin!(work);
        loop {
            self.alive()?;
            self.flowing()?;
            let left = self.end.saturating_duration_since(Instant::now());
            let idle = self.limits.idle.saturating_sub(self.since.elapsed());
            if let Ok(output) = timeout(TICK.min(left).min(idle), &mut work).await {
                return Ok(output);
            }
        }
    }

    /// Sleeps, unless the time is over or it is no longer wanted.
    pub(crate) async fn sleep(&mut self, pause: Duration) -> Result<(), Cause> {
        let until = Instant::now() + pause;
        loop {
            self.alive()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            tokio::time::sleep(left.min(TICK)).await;
        }
    }
}
