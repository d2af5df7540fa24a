//! The host's end of the control channel: lines to and from `guest/control.sh`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the guest has said so far.
#[derive(Debug, Default)]
struct Heard {
    /// Boot ids, one for each time the guest's end came up.
    boots: Vec<String>,
    /// Job to exit code.
    done: BTreeMap<u64, i32>,
    /// QEMU is gone.
    closed: bool,
}

/// How waiting ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waited<T> {
    Got(T),
    Late,
    /// QEMU ended, or the guest booted anew.
    Gone,
}

#[derive(Debug)]
pub(super) struct Control {
    writer: Mutex<UnixStream>,
    heard: Arc<(Mutex<Heard>, Condvar)>,
}

impl Control {
    /// Listens until the other end is closed.
    pub(super) fn new(stream: UnixStream) -> std::io::Result<Self> {
        let heard = Arc::new((Mutex::new(Heard::default()), Condvar::new()));
        let reader = BufReader::new(stream.try_clone()?);
        let shared = Arc::clone(&heard);
        std::thread::Builder::new().name("control".to_owned()).spawn(move || listen(reader, &shared))?;
        Ok(Self { writer: Mutex::new(stream), heard })
    }

    /// How often the guest has come up on this power.
    pub(super) fn boots(&self) -> usize {
        self.lock().boots.len()
    }

    /// Waits until the guest has come up more than `before` times.
    pub(super) fn wait_boot(&self, before: usize, until: Instant) -> Waited<()> {
        self.wait(until, |heard| {
            if heard.boots.len() > before {
                return Some(Waited::Got(()));
            }
            heard.closed.then_some(Waited::Gone)
        })
    }

    /// Waits for the exit code of a job that was sent in boot number `boot`.
    pub(super) fn wait_job(&self, job: u64, boot: usize, until: Instant) -> Waited<i32> {
        self.wait(until, |heard| match heard.done.get(&job) {
            Some(exit) => Some(Waited::Got(*exit)),
            None => (heard.closed || heard.boots.len() != boot).then_some(Waited::Gone),
        })
    }

    /// Sends a line. A failure needs no report of its own: the channel is then closed, which waiting finds.
    pub(super) fn send(&self, verb: &str, job: u64) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writer.write_all(format!("{verb} {job}\n").as_bytes());
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<T>(&self, until: Instant, mut look: impl FnMut(&Heard) -> Option<Waited<T>>) -> Waited<T> {
        let mut heard = self.lock();
        loop {
            if let Some(found) = look(&heard) {
                return found;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return Waited::Late;
            }
            let woken = self.heard.1.wait_timeout(heard, left);
            heard = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn listen(mut reader: BufReader<UnixStream>, shared: &(Mutex<Heard>, Condvar)) {
    let mut line = Vec::new();
    // A guest that lost power in the middle of a line leaves half of one: bytes, not text, until it is whole.
    while matches!(reader.read_until(b'\n', &mut line), Ok(count) if count > 0) {
        let mut heard = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        note(&mut heard, &String::from_utf8_lossy(&line));
        line.clear();
        shared.1.notify_all();
    }
    let mut heard = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
    heard.closed = true;
    shared.1.notify_all();
}

fn note(heard: &mut Heard, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["ready", boot] => heard.boots.push((*boot).to_owned()),
        ["done", job, exit] => {
            if let (Ok(job), Ok(exit)) = (job.parse(), exit.parse()) {
                heard.done.insert(job, exit);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn hears_boots_and_jobs_and_the_end() {
        let (host, mut guest) = UnixStream::pair().unwrap();
        let control = Control::new(host).unwrap();
        guest.write_all(b"ready b1\nnoise\ndone 7 3\n").unwrap();
        assert_eq!(control.wait_boot(0, soon()), Waited::Got(()));
        assert_eq!(control.wait_job(7, 1, soon()), Waited::Got(3));
        assert_eq!(control.wait_job(8, 1, Instant::now()), Waited::Late);
        guest.write_all(b"ready b2\n").unwrap();
        assert_eq!(control.wait_boot(1, soon()), Waited::Got(()));
        assert_eq!(control.wait_job(8, 1, soon()), Waited::Gone, "a reboot ends jobs");
        drop(guest);
        assert_eq!(control.wait_job(9, 2, soon()), Waited::Gone);
        assert_eq!(control.wait_boot(2, soon()), Waited::Gone);
    }

    #[test]
    fn sends_one_line_for_each_request() {
        let (host, guest) = UnixStream::pair().unwrap();
        let control = Control::new(host).unwrap();
        control.send("run", 4);
        let mut line = String::new();
        BufReader::new(guest).read_line(&mut line).unwrap();
        assert_eq!(line, "run 4\n");
    }
}
