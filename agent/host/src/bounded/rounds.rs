//! Reads that are begun together, and waited for no longer than whoever asks can wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::crew::{Back, Crew, Read};
use super::pool::Job;

/// Reads by name. One that does not come back in its round is left to itself and heard of in a later one; until then its
/// subject is not to be read again, see [`Rounds::is_under_way`]. Where all come back, one thread does them all.
pub struct Rounds<T> {
    begun: Begun,
    said: Arc<Mutex<Vec<Said<T>>>>,
}

/// Whose read came back, and what it brought.
type Said<T> = (Arc<str>, T);

impl<T: Send + 'static> Default for Rounds<T> {
    fn default() -> Self {
        Self { begun: Begun { crew: Crew::new(), under_way: BTreeMap::new() }, said: Arc::default() }
    }
}

/// How many times as long as it is told to a patient round may wait for what has no processor.
const MOST: u32 = 30;
/// What is late on a busy machine is looked at again after this part of its deadline.
const AGAIN: u32 = 8;

impl<T: Send + 'static> Rounds<T> {
    /// Begins these reads, of subjects none of whose reads is under way, and waits for them so long. Returns what came
    /// back, of earlier rounds too. Without a thread nothing is under way afterwards.
    pub fn round(&mut self, reads: Vec<(Arc<str>, Job<T>)>, within: Duration) -> Vec<Said<T>> {
        self.waiting(reads, within, within)
    }

    /// As [`Rounds::round`], for who comes only once: what is late because the machine is busy is waited for, thirty times as
    /// long at most.
    pub fn patient_round(&mut self, reads: Vec<(Arc<str>, Job<T>)>, within: Duration) -> Vec<Said<T>> {
        self.waiting(reads, within, within.saturating_mul(MOST))
    }

    fn waiting(
        &mut self,
        reads: Vec<(Arc<str>, Job<T>)>,
        within: Duration,
        at_most: Duration,
    ) -> Vec<Said<T>> {
        let reads = reads.into_iter().map(|(name, mut job)| {
            let (said, whose) = (Arc::clone(&self.said), Arc::clone(&name));
            let work = move || {
                let value = job();
                said.lock().unwrap_or_else(PoisonError::into_inner).push((Arc::clone(&whose), value));
            };
            Read { name, job: Box::new(work) as Job<()> }
        });
        let back = self.begun.round(reads.collect(), within, at_most);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is just coming back still counts as under way.
        said.extract_if(.., |(name, _)| back.iter().any(|back| Arc::ptr_eq(back, name))).collect()
    }

    /// Whether a read of the subject is under way.
    pub fn is_under_way(&self, name: &str) -> bool {
        self.begun.under_way.contains_key(name)
    }

    /// Whether the subject's read has been under way for so long, and not for want of a processor.
    pub fn is_stalled(&self, name: &str, deadline: Duration) -> bool {
        let read = self.begun.under_way.get_key_value(name);
        read.is_some_and(|(name, since)| since.elapsed() >= deadline && self.begun.crew.stands(name))
    }

    /// When a read that is under way passes this deadline, or is to be looked at again: it had no processor.
    pub fn next_deadline(&self, deadline: Duration) -> Option<Instant> {
        let now = Instant::now();
        let when = |(name, since): (&Arc<str>, &Instant)| match *since + deadline {
            until if until > now => Some(until),
            _ if self.begun.crew.stands(name) => None,
            _ => Some(now + deadline / AGAIN),
        };
        self.begun.under_way.iter().filter_map(when).min()
    }

    /// How many threads there are: one, and one more for each read that stands.
    pub fn threads(&self) -> usize {
        self.begun.crew.threads()
    }
}

/// The reads, whatever they bring.
struct Begun {
    crew: Crew<Arc<str>, ()>,
    under_way: BTreeMap<Arc<str>, Instant>,
}

impl Begun {
    /// Whose reads came back.
    fn round(
        &mut self,
        reads: Vec<Read<Arc<str>, ()>>,
        within: Duration,
        at_most: Duration,
    ) -> Vec<Arc<str>> {
        let began = Instant::now();
        let (end, last) = (began + within, began + at_most);
        for read in reads {
            self.under_way.insert(Arc::clone(&read.name), began);
            self.crew.add(read);
        }
        let mut back = Vec::new();
        loop {
            let served = self.crew.serve();
            for Back { read, .. } in self.crew.take() {
                self.under_way.remove(&read.name);
                back.push(read.name);
            }
            if let Err((_, reads)) = served {
                for read in reads {
                    self.under_way.remove(&read.name);
                }
                return back;
            }
            let now = Instant::now();
            // Those of earlier rounds are not waited for.
            let mut open = self.under_way.iter().filter(|(_, since)| **since == began).map(|(name, _)| name);
            let is_over =
                if now < end { open.next().is_none() } else { open.all(|name| self.crew.stands(name)) };
            if is_over || now >= last {
                return back;
            }
            self.crew.wait(if now < end { end } else { now + within / AGAIN });
        }
    }
}
