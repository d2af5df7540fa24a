//! Trying again, within the call's time.

use std::time::Duration;

use reqwest::{StatusCode, Url};

use crate::budget::Budget;
use crate::{Error, Failure, Settings, backoff};

/// Counts the tries of one request and decides whether there is another.
pub(crate) struct Tries<'a> {
    method: &'static str,
    url: &'a Url,
    budget: Budget,
    settings: &'a Settings,
    made: u32,
}

impl<'a> Tries<'a> {
    pub(crate) fn new(method: &'static str, url: &'a Url, budget: Budget, settings: &'a Settings) -> Self {
        Self { method, url, budget, settings, made: 0 }
    }

    /// Begins a try and says how long it may take.
    pub(crate) fn begin(&mut self) -> Result<Duration, Error> {
        let left = self.budget.left();
        if left.is_zero() {
            return Err(self.deadline(Failure::NotTried));
        }
        self.made += 1;
        Ok(left.min(self.settings.connect_timeout.saturating_add(self.settings.answer_timeout)))
    }

    /// Pauses before the next try, or gives up where the deadline leaves no time to connect.
    pub(crate) async fn again(&self, failure: Failure) -> Result<(), Error> {
        let pause = backoff::pause(self.settings.first_pause, self.settings.longest_pause, self.made);
        if self.budget.left() <= pause.saturating_add(self.settings.connect_timeout) {
            return Err(self.deadline(failure));
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// For a status that is not an answer: pauses where another try may help, else fails.
    pub(crate) async fn refused(&self, status: StatusCode) -> Result<(), Error> {
        match status.as_u16() {
            busy @ (429 | 500 | 502 | 503 | 504) => self.again(Failure::Status(busy)).await,
            status => Err(Error::Status {
                method: self.method,
                url: self.url.to_string(),
                status,
                tries: self.made,
                elapsed: self.budget.elapsed(),
            }),
        }
    }

    pub(crate) fn unauthorized(&self) -> Error {
        Error::Unauthorized { url: self.url.to_string(), tries: self.made, elapsed: self.budget.elapsed() }
    }

    pub(crate) fn disabled(&self) -> Error {
        Error::Disabled { url: self.url.to_string(), tries: self.made, elapsed: self.budget.elapsed() }
    }

    pub(crate) fn deadline(&self, last: Failure) -> Error {
        Error::Deadline {
            method: self.method,
            url: self.url.to_string(),
            tries: self.made,
            elapsed: self.budget.elapsed(),
            deadline: self.budget.allowed,
            last,
        }
    }
}
