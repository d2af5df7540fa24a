//! `gpunode-agent watch`

mod lines;
mod terminal;

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use gpunode_host::health::Source;
use gpunode_host::health::report::Report;
use gpunode_monitor::{Monitor, News, State};

use super::running::interruption;
use super::{Common, Stop};
use crate::exit::Exit;
use crate::look::Target;
use crate::step::chain;
use crate::view;
use lines::{Json, Plain};
use terminal::Terminal;

/// How long a key stroke of Ctrl-C may go unseen, and how old what is shown may be.
const TURN: Duration = Duration::from_millis(250);
/// Asking the metadata service may take a part of this.
const BEGIN: Duration = Duration::from_secs(8);
/// Sources that have not answered by then are reported as silent. The ports of the EFA cards are read in turn, all of
/// them within ten seconds.
const FIRST_REPORT: Duration = Duration::from_secs(15);
/// Nobody who looks at a screen waits longer without a word; all but the EFA cards have answered by then, as a rule.
const FIRST_WORD: Duration = Duration::from_secs(2);

const EIO: i32 = 5;

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    common: Common,
    /// Print JSON lines, in the form gpunode.io/watch/v1 (`reference check-schema`)
    #[arg(long)]
    json: bool,
}

/// Where what is seen goes.
trait Show {
    /// This is what is watched from now on.
    fn begin(&mut self, _: &Target) -> io::Result<()> {
        Ok(())
    }

    /// Something happened, or a moment has passed.
    fn show(&mut self, now: &Seen<'_>) -> io::Result<()>;
}

/// What is known at one moment.
struct Seen<'a> {
    monitor: &'a Monitor,
    target: &'a Target,
    /// What happened since the moment before.
    changes: &'a [gpunode_host::health::Change],
    news: News,
    /// Whether this is the moment from which on the state as a whole can be told.
    first: bool,
    /// Whether this is the moment from which on something can be told of nearly everything.
    early: bool,
}

impl Seen<'_> {
    fn report(&self) -> Report {
        self.target.report(self.monitor.health(), self.monitor.sources())
    }
}

pub(super) fn run(args: &WatchArgs) -> Result<Exit, Stop> {
    let local = args.common.load()?;
    let interrupted = interruption().map_err(|error| Stop::not_started(chain(&error)))?;
    let target = Target::find(args.common.root(), &local.spec, BEGIN);
    let started = Monitor::start(target.settings.clone());
    let monitor =
        started.map_err(|error| Stop::not_started(format!("cannot start watching: {}", chain(&error))))?;
    let show: Box<dyn Show> = if args.json {
        Box::new(Json::default())
    } else if view::is_screen() {
        Box::new(Terminal::open())
    } else {
        Box::new(Plain::default())
    };
    match watch(monitor, &target, show, &interrupted) {
        // Whoever read has gone: that is how a pipe ends, and a terminal that hangs up.
        Err(error) if !reader_is_gone(&error) && !interrupted.load(Ordering::Acquire) => {
            Err(Stop::not_started(format!("cannot write: {error}")))
        }
        // Ctrl-C is how a view ends that goes on for ever.
        Ok(()) | Err(_) => Ok(Exit::Ok),
    }
}

/// A pipe says `EPIPE`, a terminal `EIO` (termios(3), hang-up).
fn reader_is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe || error.raw_os_error() == Some(EIO)
}

/// Whether every source has answered or cannot be asked. One that is late may answer yet.
fn settled(monitor: &Monitor) -> bool {
    monitor.sources().iter().all(|(_, state)| !matches!(state, State::Pending | State::Late(_)))
}

/// Whether all have answered that are asked at once: the EFA cards have their turn one after the other.
fn nearly_settled(monitor: &Monitor) -> bool {
    let efa_is_known = monitor.sources().get(&Source::EfaDevices) != Some(&State::Pending);
    efa_is_known && monitor.sources().pending().all(|source| matches!(source, Source::EfaPort(_)))
}

fn watch(
    mut monitor: Monitor,
    target: &Target,
    mut show: Box<dyn Show>,
    interrupted: &AtomicBool,
) -> io::Result<()> {
    let began = Instant::now();
    let (mut told, mut told_early) = (false, false);
    show.begin(target)?;
    io::stdout().flush()?;
    while !interrupted.load(Ordering::Acquire) {
        let news = monitor.next(Instant::now() + TURN);
        let first = !told && (settled(&monitor) || began.elapsed() > FIRST_REPORT);
        told |= first;
        let early = !told && !told_early && (nearly_settled(&monitor) || began.elapsed() > FIRST_WORD);
        told_early |= early;
        let changes = monitor.take_changes();
        show.show(&Seen { monitor: &monitor, target, changes: &changes, news, first, early })?;
        io::stdout().flush()?;
    }
    Ok(())
}
