//! The main thread: it listens, answers and keeps the time, and makes no library call.

mod sleep;
mod waiting;

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use gpunode_probe_protocol::VERSION;
use gpunode_probe_protocol::message::{Hello, Message, Request, Say, Want};

use crate::board::Board;
use crate::events::{self, Watch};
use crate::fabric;
use crate::lane::{Lane, Mailbox};
use crate::os;
use crate::outbox::{self, Inbox, Outbox};
use crate::plugin;
use crate::slot::Slot;
use crate::socket::Socket;
use crate::sweep;
use sleep::Woken;
use waiting::{Subject, Waiting};

/// Everything the main thread knows.
pub(crate) struct Server {
    socket: Socket,
    parent: Option<OwnedFd>,
    inbox: Inbox,
    outbox: Outbox,
    nvml: OsString,
    gpus: Option<Lane<Arc<Board>>>,
    events: Option<Lane<Watch>>,
    fabric: Option<Lane<u32>>,
    plugins: Option<Lane<(u32, String)>>,
    waiting: Vec<Waiting>,
}

impl Server {
    /// Speaks on `socket`; `nvml` is the library's name for the loader.
    pub(crate) fn new(socket: OwnedFd, nvml: OsString) -> Result<Self, String> {
        let socket = Socket::new(socket).map_err(|error| format!("the socket: {error}"))?;
        let (outbox, inbox) = outbox::pair().map_err(|error| format!("eventfd: {error}"))?;
        let parent = os::parent();
        let waiting = Vec::new();
        let (gpus, events, fabric, plugins) = (None, None, None, None);
        Ok(Self { socket, parent, inbox, outbox, nvml, gpus, events, fabric, plugins, waiting })
    }

    /// Until the other end closes, the parent ends, or goodbye.
    pub(crate) fn run(mut self) -> Result<(), String> {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let hello = Hello { protocol: VERSION, version, libc: os::libc_version() };
        let mut open = self.say(0, Say::Hello(hello))?;
        while open {
            open = match self.sleep()? {
                Woken::Parent => false,
                Woken::Socket => self.socket.read()? && self.answer()?,
                Woken::Bell => self.deliver()?,
                Woken::Time => true,
            } && self.keep_time()?;
        }
        Ok(())
    }

    fn say(&mut self, id: u32, say: Say) -> Result<bool, String> {
        self.socket.send(&Message { id, say })
    }

    /// Takes up the requests that have arrived.
    fn answer(&mut self) -> Result<bool, String> {
        while let Some(request) = self.socket.next()? {
            if request.want == Want::Goodbye {
                self.say(request.id, Say::Goodbye)?;
                return Ok(false);
            }
            self.begin(request)?;
        }
        Ok(true)
    }

    fn begin(&mut self, request: Request) -> Result<(), String> {
        let Request { id, deadline_ms, want } = request;
        let subject = match want {
            Want::Gpus { skip, slow } => self.sweep(id, skip, slow),
            Want::Events { skip } => self.watch(Watch { id, skip }),
            Want::Interfaces => self.list(id),
            Want::Plugin { path } => self.load(id, path),
            Want::Goodbye => return Ok(()),
        }
        .map_err(|error| format!("starting a thread: {error}"))?;
        if self.waiting.iter().any(|waiting| waiting.is_about(&subject)) {
            return Err("a question came before the answer to the one before".into());
        }
        self.waiting.push(Waiting::new(id, deadline_ms, subject));
        Ok(())
    }

    fn sweep(&mut self, id: u32, skip: Vec<String>, slow: bool) -> std::io::Result<Subject> {
        let lane = match self.gpus.take() {
            Some(lane) => lane,
            None => sweep::lane(self.nvml.clone(), self.outbox.clone())?,
        };
        let board = Arc::new(Board::new(id, skip, slow, lane.slot.clone()));
        lane.give(board.clone());
        self.gpus = Some(lane);
        Ok(Subject::Gpus(board))
    }

    fn watch(&mut self, watch: Watch) -> std::io::Result<Subject> {
        let lane = match self.events.take() {
            Some(lane) => lane,
            None => events::lane(self.nvml.clone(), self.outbox.clone())?,
        };
        lane.give(watch);
        let slot = lane.slot.clone();
        self.events = Some(lane);
        Ok(Subject::Events(slot))
    }

    fn list(&mut self, id: u32) -> std::io::Result<Subject> {
        let lane = match self.fabric.take() {
            Some(lane) => lane,
            None => list_lane(self.outbox.clone())?,
        };
        lane.give(id);
        let slot = lane.slot.clone();
        self.fabric = Some(lane);
        Ok(Subject::Interfaces(slot))
    }

    fn load(&mut self, id: u32, path: String) -> std::io::Result<Subject> {
        let lane = match self.plugins.take() {
            Some(lane) => lane,
            None => plugin_lane(self.outbox.clone())?,
        };
        lane.give((id, path));
        let slot = lane.slot.clone();
        self.plugins = Some(lane);
        Ok(Subject::Plugin(slot))
    }

    /// Passes on what the other threads say, but not what comes after the deadline's answer.
    fn deliver(&mut self) -> Result<bool, String> {
        self.inbox.hush();
        while let Some(message) = self.inbox.next() {
            let before = self.waiting.len();
            self.waiting.retain(|waiting| waiting.id != message.id);
            let awaited = self.waiting.len() < before;
            if (awaited || message.id == 0) && !self.socket.send(&message)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Answers what is overdue, and sends help past a call that takes long.
    fn keep_time(&mut self) -> Result<bool, String> {
        let now = Instant::now();
        for waiting in &mut self.waiting {
            waiting.help(now, &self.outbox).map_err(|error| format!("starting a thread: {error}"))?;
        }
        while let Some(index) = self.waiting.iter().position(|waiting| waiting.is_overdue(now)) {
            let waiting = self.waiting.swap_remove(index);
            if !self.say(waiting.id, waiting.give_up())? {
                return Ok(false);
            }
        }
        match self.events.as_ref().and_then(|lane| events::end_if_stuck(&lane.slot)) {
            Some(end) => self.say(0, end),
            None => Ok(true),
        }
    }
}

fn list_lane(outbox: Outbox) -> std::io::Result<Lane<u32>> {
    Lane::start("fabric", Slot::new("fi_getinfo"), move |mailbox, slot| {
        loop {
            let id = mailbox.take();
            slot.enter("fi_getinfo");
            outbox.send(id, Say::Interfaces(fabric::interfaces()));
            slot.rest();
        }
    })
}

fn plugin_lane(outbox: Outbox) -> std::io::Result<Lane<(u32, String)>> {
    Lane::start("plugin", Slot::new("dlopen"), move |mailbox: &Mailbox<(u32, String)>, slot| {
        loop {
            let (id, path) = mailbox.take();
            slot.enter("dlopen");
            outbox.send(id, Say::Plugin(plugin::load(&path)));
            slot.rest();
        }
    })
}
