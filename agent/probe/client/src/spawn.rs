//! Starting the process, by a thread that does nothing else.
//!
//! Two reasons for the thread. The kernel sends the parent-death signal when the *thread* that forked ends, so it must
//! live as long as the probe may. And a start can hang (the loader's file may be on a dead file system), which must
//! hold up nobody who asks.
#![allow(unsafe_code, reason = "what happens between fork and exec has no safe interface")]
#![allow(clippy::disallowed_methods, reason = "this is the one place of this crate that starts a program")]

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::ptr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use crate::image::Image;
use crate::outcome::StartError;
use crate::settings::Settings;

/// A process that was started.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) child: Child,
    /// Our end, non-blocking.
    pub(crate) socket: UnixStream,
    /// What it writes to standard error; non-blocking at both ends, so that a flood is dropped and holds up nobody.
    pub(crate) said: OwnedFd,
}

/// What exec is given, laid out before the fork: nothing may be allocated after it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    arguments: Vec<CString>,
    environment: Vec<CString>,
    root: Option<CString>,
    nice: i32,
}

impl Plan {
    /// `added` are variables that the settings may override.
    pub(crate) fn new(settings: &Settings, added: &[(&str, &str)]) -> Result<Self, StartError> {
        let mut variables: Vec<(&OsStr, &OsStr)> =
            settings.environment.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        for (name, value) in added {
            if !variables.iter().any(|(known, _)| *known == OsStr::new(name)) {
                variables.push((name.as_ref(), value.as_ref()));
            }
        }
        let lines =
            variables.into_iter().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat());
        let arguments = settings.arguments.iter().map(|argument| argument.as_bytes().to_vec());
        Ok(Self {
            arguments: std::iter::once(b"gpunode-probe".to_vec())
                .chain(arguments)
                .map(|argument| zero_ended("an argument", argument))
                .collect::<Result<_, _>>()?,
            environment: lines.map(|line| zero_ended("the environment", line)).collect::<Result<_, _>>()?,
            root: match &settings.root {
                Some(root) => Some(zero_ended("the root", root.as_os_str().as_bytes().to_vec())?),
                None => None,
            },
            nice: settings.nice,
        })
    }
}

fn zero_ended(what: &str, bytes: Vec<u8>) -> Result<CString, StartError> {
    CString::new(bytes).map_err(|_| StartError::Zero { what: what.to_owned() })
}

/// One start that was asked for.
struct Order {
    image: Arc<Image>,
    plan: Plan,
    reply: SyncSender<io::Result<Spawned>>,
}

/// The thread that starts processes. It ends, and what it started with it, when this is dropped.
#[derive(Debug)]
pub(crate) struct Spawner {
    orders: SyncSender<Order>,
}

impl Spawner {
    pub(crate) fn new() -> Result<Self, StartError> {
        let (orders, taken) = sync_channel::<Order>(1);
        let work = move || {
            for order in taken {
                if let Err(unwanted) = order.reply.send(spawn(&order.image, order.plan))
                    && let Ok(Spawned { mut child, .. }) = unwanted.0
                {
                    // Who asked is gone, and nobody is left that this thread could hold up.
                    let _ = child.kill();
                    let _ = child.wait();
                }
            }
        };
        let thread = thread::Builder::new().name("probe-starter".into()).stack_size(128 << 10).spawn(work);
        thread.map_err(StartError::Thread)?;
        Ok(Self { orders })
    }

    /// Asks for a start; the answer comes when it comes.
    pub(crate) fn order(&self, image: &Arc<Image>, plan: &Plan) -> io::Result<Receiver<io::Result<Spawned>>> {
        let (reply, answer) = sync_channel(1);
        let order = Order { image: image.clone(), plan: plan.clone(), reply };
        self.orders.try_send(order).map_err(|_| io::Error::other("an earlier start is still under way"))?;
        Ok(answer)
    }
}

fn spawn(image: &Image, plan: Plan) -> io::Result<Spawned> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let (said, says) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    let start = Start::new(image.as_fd().as_raw_fd(), plan);
    // What is named here is never run: the closure runs the image.
    let mut command = Command::new("/nonexistent/gpunode-probe");
    command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).stderr(Stdio::from(says));
    // SAFETY: between fork and exec only system calls are made; whatever they point to was laid out before.
    unsafe { command.pre_exec(move || start.run()) };
    let child = command.spawn()?;
    Ok(Spawned { child, socket: ours, said })
}

/// Everything between fork and exec.
struct Start {
    image: RawFd,
    parent: libc::pid_t,
    plan: Plan,
    /// Pointers into `plan`, ended by null.
    arguments: Vec<*const libc::c_char>,
    environment: Vec<*const libc::c_char>,
}

// SAFETY: the pointers are into the C strings of `plan`, which this owns and never changes.
unsafe impl Send for Start {}
// SAFETY: as above; nothing here changes.
unsafe impl Sync for Start {}

impl Start {
    fn new(image: RawFd, plan: Plan) -> Self {
        let pointers = |texts: &[CString]| {
            texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect::<Vec<_>>()
        };
        let (arguments, environment) = (pointers(&plan.arguments), pointers(&plan.environment));
        // SAFETY: no arguments, cannot fail.
        let parent = unsafe { libc::getpid() };
        Self { image, parent, plan, arguments, environment }
    }

    /// Only returns when something failed.
    fn run(&self) -> io::Result<()> {
        // SAFETY: system calls with numbers and with pointers to what `self` owns.
        unsafe {
            // Its own session: no signal from a terminal, and nothing it starts stays in our group.
            Errno::result(libc::setsid())?;
            Errno::result(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
            if libc::getppid() != self.parent {
                // The parent ended before the signal was set.
                libc::_exit(1);
            }
            // A core of a process that maps GPUs can be tens of gigabytes, and writing it takes as long.
            let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            Errno::result(libc::setrlimit(libc::RLIMIT_CORE, &raw const none))?;
            if self.plan.nice != 0 {
                // Only a wish: making it more urgent is a privilege.
                let _ = libc::setpriority(libc::PRIO_PROCESS, 0, self.plan.nice);
            }
            if let Some(root) = &self.plan.root {
                Errno::result(libc::chroot(root.as_ptr()))?;
            }
            Errno::result(libc::chdir(c"/".as_ptr()))?;
            // What another library of this process opened without close-on-exec. Linux before 5.11 does not know it.
            let last = libc::c_uint::MAX;
            libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, last, libc::CLOSE_RANGE_CLOEXEC);
            // By descriptor: the image has no path in the new root.
            libc::syscall(
                libc::SYS_execveat,
                self.image,
                c"".as_ptr(),
                self.arguments.as_ptr(),
                self.environment.as_ptr(),
                libc::AT_EMPTY_PATH,
            );
        }
        Err(io::Error::last_os_error())
    }
}
