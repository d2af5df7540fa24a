//! What the commands that run steps have in common: flags, progress, the end by a signal, and the report.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::{Common, Stop};
use crate::boot::{self, Boot};
use crate::exit::Exit;
use crate::lock::Lock;
use crate::step::{StepId, chain};
use crate::{log, progress};

#[derive(Debug, Args)]
pub(super) struct Running {
    #[command(flatten)]
    pub(super) common: Common,
    /// Say what would be changed, and change nothing
    #[arg(long)]
    pub(super) plan: bool,
    /// Print JSON lines as things happen; the last one is the report
    #[arg(long)]
    json: bool,
    /// Print nothing but the report
    #[arg(long, short)]
    quiet: bool,
}

impl Running {
    /// Keeps every other run out until the lock is dropped.
    pub(super) fn lock(&self) -> Result<Option<Lock>, Stop> {
        let root = self.common.root();
        let lock = if self.plan { Lock::take_if_any(&root) } else { Lock::take(&root).map(Some) };
        lock.map_err(|error| Stop::not_started(chain(&error)))
    }

    /// Runs the steps, lets go of the lock, and prints what came of it.
    pub(super) fn run(&self, boot: Boot, lock: Option<Lock>) -> Result<Exit, Stop> {
        let quiet = self.quiet || (!self.json && log::stderr_is_journal());
        let interrupted = interruption().map_err(|error| Stop::not_started(chain(&error)))?;
        let mut progress = progress::choose(self.json, quiet);
        let done = boot.run(&mut *progress, &|| interrupted.load(Ordering::Acquire));
        drop(lock);
        boot::print(&done, self.json);
        Ok(done.exit)
    }
}

/// The step of this name, of those that a command has.
pub(super) fn among(steps: &[StepId], name: &str) -> Result<StepId, String> {
    steps.iter().copied().find(|id| id.name() == name).ok_or_else(|| {
        let names: Vec<_> = steps.iter().map(|id| id.name()).collect();
        format!("no such step; the steps are: {}", names.join(", "))
    })
}

/// A flag that SIGINT, SIGTERM and SIGHUP set. A second signal ends the process at once. Who was started by `nohup` goes on
/// when its terminal goes.
pub(crate) fn interruption() -> std::io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let hangup = (!ignores_hangup()).then_some(signal_hook::consts::SIGHUP);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM].into_iter().chain(hangup) {
        signal_hook::flag::register_conditional_shutdown(
            signal,
            i32::from(Exit::Interrupted.code()),
            Arc::clone(&flag),
        )?;
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

/// By the mask of ignored signals, proc_pid_status(5): a bit each, the lowest for signal 1.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}
