//! One read that may stand, done again and again by somebody who must not wait for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::crew::STACK;

/// At most one read under way.
#[derive(Debug)]
pub struct Guarded<T>(Option<Receiver<T>>);

impl<T> Default for Guarded<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Send + 'static> Guarded<T> {
    /// Reads, and waits for it so long. One that stands is not begun again: what it brings when it comes back is the answer
    /// to the call that finds it. `None`: there is no answer yet, or no thread.
    pub fn ask(&mut self, within: Duration, read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let answer = match self.0.take() {
            Some(under_way) => under_way,
            None => begin(read)?,
        };
        match answer.recv_timeout(within) {
            Ok(value) => Some(value),
            Err(RecvTimeoutError::Timeout) => {
                self.0 = Some(answer);
                None
            }
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }
}

fn begin<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Option<Receiver<T>> {
    let (sender, answer) = channel();
    // Nobody listens any more where the caller has ended.
    let work = move || drop(sender.send(read()));
    thread::Builder::new().name("reader".to_owned()).stack_size(4 * STACK).spawn(work).ok()?;
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_that_stands_is_not_begun_again_and_its_answer_is_the_next_one() {
        let mut guarded = Guarded::default();
        assert_eq!(guarded.ask(Duration::from_secs(60), || 1), Some(1));
        let (open, door) = channel::<u32>();
        assert_eq!(guarded.ask(Duration::from_millis(5), move || door.recv().unwrap()), None);
        assert_eq!(guarded.ask(Duration::from_millis(5), || panic!("begun beside the first")), None);
        open.send(2).unwrap();
        assert_eq!(guarded.ask(Duration::from_secs(60), || panic!("begun beside the first")), Some(2));
        assert_eq!(guarded.ask(Duration::from_secs(60), || 3), Some(3));
    }
}
