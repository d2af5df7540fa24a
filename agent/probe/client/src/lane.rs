//! One kind of question with its own process, pauses and limits, so that trouble with one library does not hold up the
//! other.

use std::time::{Duration, Instant};

use crate::abandoned::Graveyard;
use crate::session::Session;
use crate::settings::chance;
use crate::spawn::Plan;
use crate::starter::Starter;
use crate::trouble::Trouble;

/// How long a process must have worked well for earlier failures to be forgotten.
const SETTLED: Duration = Duration::from_secs(60);

/// One kind of question.
#[derive(Debug)]
pub(crate) struct Lane {
    plan: Plan,
    session: Option<Session>,
    started: Option<Instant>,
    failures: u32,
    until: Option<Instant>,
    last: Option<Trouble>,
}

impl Lane {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, session: None, started: None, failures: 0, until: None, last: None }
    }

    /// The process, if one runs.
    pub(crate) fn running(&mut self) -> Option<&mut Session> {
        self.session.as_mut()
    }

    /// The process, if one runs.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The process; a new one where none runs and one may be started.
    pub(crate) fn ready(
        &mut self,
        starter: &mut Starter,
        graveyard: &mut Graveyard,
        until: Instant,
    ) -> Result<&mut Session, Trouble> {
        if self.session.is_none() {
            self.may_start(graveyard, starter.settings.abandoned)?;
            match starter.start(&self.plan, until, graveyard) {
                Ok(session) => {
                    self.started = Some(Instant::now());
                    self.session = Some(session);
                }
                Err(trouble) => {
                    self.failed(&trouble, starter);
                    return Err(trouble);
                }
            }
        }
        self.session.as_mut().ok_or_else(|| Trouble::NotStarted { message: "no process".into() })
    }

    fn may_start(&self, graveyard: &Graveyard, most: usize) -> Result<(), Trouble> {
        let after = self.last.clone().map(Box::new);
        let count = graveyard.count();
        if count >= most {
            return Err(Trouble::TooManyAbandoned { count, after });
        }
        match (self.until, after) {
            (Some(until), Some(after)) if Instant::now() < until => Err(Trouble::BackingOff { until, after }),
            _ => Ok(()),
        }
    }

    /// It answered well.
    pub(crate) fn worked(&mut self) {
        self.last = None;
        if self.started.is_some_and(|started| started.elapsed() >= SETTLED) {
            self.failures = 0;
        }
    }

    /// Ends the process after trouble, and pauses.
    pub(crate) fn broke(
        &mut self,
        trouble: &Trouble,
        starter: &Starter,
        graveyard: &mut Graveyard,
        gpu: Option<String>,
    ) {
        if let Some(session) = self.session.take() {
            graveyard.kill(session.into_child(), gpu);
        }
        self.failed(trouble, starter);
    }

    /// The process, to be ended by who asks.
    pub(crate) fn take(&mut self) -> Option<Session> {
        self.session.take()
    }

    /// Ends the process that is not needed any more.
    pub(crate) fn rest(&mut self, graveyard: &mut Graveyard) {
        if let Some(session) = self.session.take() {
            graveyard.kill(session.into_child(), None);
        }
    }

    fn failed(&mut self, trouble: &Trouble, starter: &Starter) {
        self.failures = self.failures.saturating_add(1);
        self.until = Some(Instant::now() + starter.settings.back_off.pause(self.failures, chance()));
        self.last = Some(trouble.clone());
    }
}
