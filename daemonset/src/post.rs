//! Between whoever knows what is true and whoever writes it to the API server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock;
use crate::event::Told;
use crate::publisher::{Next, Publisher};
use crate::reporter::Desired;
use crate::writer::Writer;

/// Of one who writes once.
const TRIES: u32 = 4;

/// A publisher that one thread tells what is true, and one task asks what to write.
#[derive(Clone, Debug)]
pub struct Post(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    publisher: Mutex<Publisher>,
    news: Notify,
}

impl Post {
    /// Nothing is written until [`Post::publish`] runs.
    pub fn new(publisher: Publisher) -> Self {
        Self(Arc::new(Inner { publisher: Mutex::new(publisher), news: Notify::new() }))
    }

    /// See [`Publisher::want`].
    pub fn want(&self, wanted: Desired, ready: bool) {
        self.publisher().want(wanted, ready);
        self.0.news.notify_one();
    }

    /// See [`Publisher::tell`].
    pub fn tell(&self, told: Told) {
        self.publisher().tell(told);
        self.0.news.notify_one();
    }

    /// To look at it. Nobody holds it for longer than it takes to copy something.
    pub fn publisher(&self) -> MutexGuard<'_, Publisher> {
        self.0.publisher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is wanted, for ever. `written` is called after each try.
    pub async fn publish(&self, writer: &mut Writer, mut written: impl FnMut()) {
        loop {
            if let Some(until) = self.step(writer).await {
                self.sleep(until).await;
            } else {
                written();
            }
        }
    }

    /// Writes until all is written, or something has failed several times in a row; says whether all is.
    pub async fn publish_once(&self, writer: &mut Writer) -> bool {
        while self.publisher().failures() < TRIES {
            match self.step(writer).await {
                None => {}
                Some(Some(until)) if !self.publisher().is_done() => self.sleep(Some(until)).await,
                Some(_) => break,
            }
        }
        self.publisher().is_done()
    }

    /// Does one thing; where there is nothing to do, says until when.
    async fn step(&self, writer: &mut Writer) -> Option<Option<Duration>> {
        let (next, uid) = {
            let publisher = self.publisher();
            (publisher.next(clock::now().boot), publisher.published().uid.clone())
        };
        match next {
            Next::Wait(until) => Some(until),
            Next::Send(call) => {
                let outcome = writer.write(&call, uid.as_deref()).await;
                self.publisher().done(clock::now().boot, &call, outcome, clock::chance());
                None
            }
        }
    }

    async fn sleep(&self, until: Option<Duration>) {
        let left = until.map(|until| until.saturating_sub(clock::now().boot));
        let news = self.0.news.notified();
        match left {
            // A clock that stood still while the machine slept is looked at again after a minute.
            Some(left) => {
                let left = left.clamp(Duration::from_millis(1), Duration::from_secs(60));
                let _ = tokio::time::timeout(left, news).await;
            }
            None => news.await,
        }
    }
}
