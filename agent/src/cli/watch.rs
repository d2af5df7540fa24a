//! `gpunode-agent watch`

mod lines;
mod terminal;

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
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
        // Whoever read has gone: that is how a pipe ends.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Stop::not_started(format!("cannot write: {error}")))
        }
        // Ctrl-C is how a view ends that goes on for ever.
        Ok(()) | Err(_) => Ok(Exit::Ok),
    }
}

/// Whether every source has answered or cannot be asked. One that is late may answer yet.
fn settled(monitor: &Monitor) -> bool {
    monitor.sources().iter().all(|(_, state)| !matches!(state, State::Pending | State::Late(_)))
}

fn watch(
    mut monitor: Monitor,
    target: &Target,
    mut show: Box<dyn Show>,
    interrupted: &AtomicBool,
) -> io::Result<()> {
    let began = Instant::now();
    let mut told = false;
    while !interrupted.load(Ordering::Acquire) {
        let news = monitor.next(Instant::now() + TURN);
        let first = !told && (settled(&monitor) || began.elapsed() > FIRST_REPORT);
        told |= first;
        let changes = monitor.take_changes();
        show.show(&Seen { monitor: &monitor, target, changes: &changes, news, first })?;
        io::stdout().flush()?;
    }
    Ok(())
}
