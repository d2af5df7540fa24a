//! One process: hello, questions and answers, its end.

mod fault;
mod pushed;
mod said;
mod wire;

pub(crate) use fault::unexpected;
pub use pushed::Pushed;
pub(crate) use pushed::Sink;

use std::os::fd::{AsFd, BorrowedFd};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use gpunode_probe_protocol::VERSION;
use gpunode_probe_protocol::message::{Hello, Message, Request, Say, Want};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::spawn::Spawned;
use crate::starved::Before;
use crate::trouble::{End, Trouble};
use fault::{garbage, how, is_stuck, name, silent};
use said::Said;
use wire::{Cut, Wire};

/// How much longer than the probe itself its parent waits: the probe answers at the deadline, naming the call that is
/// stuck, and on a busy machine that answer takes a moment to arrive.
pub(crate) const SLACK: Duration = Duration::from_millis(250);
/// How long a process that closed its socket may take to be gone.
const LEAVING: Duration = Duration::from_millis(100);
/// Messages that were not asked for, between two looks. NVML keeps far fewer events than this.
const FLOOD: usize = 4096;

/// A probe that said hello.
#[derive(Debug)]
pub(crate) struct Session {
    child: Child,
    wire: Wire,
    said: Said,
    next_id: u32,
    pub(crate) hello: Hello,
    /// Whether events are registered.
    pub(crate) listens: bool,
}

/// A process that is to be killed, with why.
pub(crate) type Broken = (Child, Trouble);

impl Session {
    /// Waits for hello.
    pub(crate) fn open(spawned: Spawned, until: Instant) -> Result<Self, Broken> {
        let Spawned { child, socket, said } = spawned;
        let hello = Hello { protocol: 0, version: String::new(), libc: String::new() };
        let wire = Wire::new(socket);
        let mut session = Self { child, wire, said: Said::new(said), next_id: 1, hello, listens: false };
        let (begun, before) = (Instant::now(), Before::start(session.child.id(), Instant::now()));
        let said = session.next(until).and_then(|message| match message {
            Some(Message { id: 0, say: Say::Hello(hello) }) => Ok(hello),
            Some(other) => Err(garbage(&format!("{} came before hello", name(&other.say)))),
            None => Err(silent(begun, until, &before)),
        });
        match said {
            Ok(Hello { protocol, version, .. }) if protocol != VERSION => {
                let trouble = Trouble::WrongProtocol { ours: VERSION, theirs: protocol, version };
                Err((session.child, trouble))
            }
            Ok(hello) => {
                session.hello = hello;
                Ok(session)
            }
            Err(trouble) => Err((session.child, trouble)),
        }
    }

    /// Asks, and waits for the answer. The probe has until `until` to answer, and [`SLACK`] to be heard.
    pub(crate) fn ask(&mut self, want: Want, until: Instant, sink: Sink<'_>) -> Result<Say, Trouble> {
        let (begun, before) = (Instant::now(), Before::of(self.child.id()));
        let id = self.next_id;
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        let deadline = until.saturating_duration_since(begun);
        let deadline_ms = u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX);
        self.send(&Request { id, deadline_ms, want }, until)?;
        for _ in 0..FLOOD {
            match self.next(until + SLACK)? {
                None => return Err(silent(begun, until, &before)),
                Some(message) if message.id == id => {
                    let starved =
                        is_stuck(&message.say).then(|| before.starved_for(deadline, true)).flatten();
                    return starved
                        .map_or(Ok(message.say), |waited| Err(Trouble::Starved { waited, lives: true }));
                }
                Some(message) => self.pushed(message, sink)?,
            }
        }
        Err(garbage("a flood of messages that nobody asked for"))
    }

    /// Takes what has come unasked; waits for it up to `until`. `true` when there was something.
    pub(crate) fn listen(&mut self, until: Instant, sink: Sink<'_>) -> Result<bool, Trouble> {
        let Some(message) = self.next(until)? else { return Ok(false) };
        self.pushed(message, sink)?;
        for _ in 0..FLOOD {
            match self.next(Instant::now())? {
                Some(message) => self.pushed(message, sink)?,
                None => return Ok(true),
            }
        }
        Err(garbage("a flood of events"))
    }

    /// The last of what it wrote to standard error.
    pub(crate) fn last_words(&mut self) -> String {
        self.said.text()
    }

    /// The process, to be killed.
    pub(crate) fn into_child(self) -> Child {
        self.child
    }

    fn pushed(&mut self, message: Message, sink: Sink<'_>) -> Result<(), Trouble> {
        match message {
            Message { id: 0, say: Say::Event(event) } if self.listens => sink(Pushed::Event(event)),
            Message { id: 0, say: Say::EventsEnded(code) } if self.listens => {
                self.listens = false;
                sink(Pushed::Ended(Some(code)));
            }
            Message { id, say } => return Err(garbage(&format!("{} with number {id}", name(&say)))),
        }
        Ok(())
    }

    fn send(&mut self, request: &Request, until: Instant) -> Result<(), Trouble> {
        let (begun, before) = (Instant::now(), Before::of(self.child.id()));
        self.wire.queue(request).map_err(|error| garbage(&format!("the request: {error}")))?;
        while !self.wire.flush().map_err(|cut| self.cut(cut))? {
            let now = Instant::now();
            if now >= until {
                return Err(silent(begun, until, &before));
            }
            let mut fds = [PollFd::new(self.wire.as_fd(), PollFlags::POLLOUT)];
            wait(&mut fds, until - now);
        }
        Ok(())
    }

    /// The next message; `None` when there is none by `until`.
    fn next(&mut self, until: Instant) -> Result<Option<Message>, Trouble> {
        loop {
            match self.wire.next() {
                Ok(Some(message)) => return Ok(Some(message)),
                Ok(None) => {}
                Err(error) => return Err(garbage(&error.to_string())),
            }
            // Read first, look at the clock then: what has arrived counts, even after a pause of our own.
            if self.wire.read().map_err(|cut| self.cut(cut))? {
                continue;
            }
            self.said.read();
            let now = Instant::now();
            if now >= until {
                return Ok(None);
            }
            let mut fds = vec![PollFd::new(self.wire.as_fd(), PollFlags::POLLIN)];
            fds.extend(self.said.as_open_fd().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
            wait(&mut fds, until - now);
        }
    }

    /// What a broken connection means.
    fn cut(&mut self, cut: Cut) -> Trouble {
        if let Cut::Failed(error) = cut {
            return garbage(&format!("the socket failed: {error}"));
        }
        let gone_by = Instant::now() + LEAVING;
        let mut end = End::Unknown;
        while end == End::Unknown && Instant::now() < gone_by {
            match self.child.try_wait() {
                Ok(Some(status)) => end = how(status),
                Ok(None) => thread::sleep(Duration::from_millis(2)),
                Err(_) => break,
            }
        }
        Trouble::Crashed { end, said: self.last_words() }
    }
}

impl AsFd for Session {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.as_fd()
    }
}

fn wait(fds: &mut [PollFd<'_>], time: Duration) {
    // Rounded up, so that the last millisecond is not spent spinning.
    let timeout = PollTimeout::try_from(time + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
    match poll(fds, timeout) {
        Ok(_) | Err(Errno::EINTR) => {}
        // Out of memory in the kernel: try again, without spinning; the deadline holds.
        Err(_) => thread::sleep(Duration::from_millis(10)),
    }
}
