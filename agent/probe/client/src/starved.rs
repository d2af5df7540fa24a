//! Whether a process had no processor: of an answer that does not come, the machine is to blame then, and neither the
//! driver nor the probe.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the threads of a process had had of the processors when it was asked.
#[derive(Debug)]
pub(crate) struct Before {
    process: u32,
    at: Instant,
    threads: BTreeMap<String, Thread>,
}

/// Of `schedstat`; source: the kernel's Documentation/scheduler/sched-stats.rst.
#[derive(Clone, Copy, Debug, Default)]
struct Thread {
    ran: Duration,
    /// How long it has wanted a processor and had none, in its life, up to its last turn: what it is waiting for now counts
    /// only when it gets it.
    waited: Duration,
}

impl Before {
    /// Of the process as it is now.
    pub(crate) fn of(process: u32) -> Self {
        Self { process, at: Instant::now(), threads: threads(process) }
    }

    /// Of a process that was started at `at`.
    pub(crate) fn start(process: u32, at: Instant) -> Self {
        Self { process, at, threads: BTreeMap::new() }
    }

    /// How long ago that was, if one of its threads has waited for a processor for half of that, and of the time `given`
    /// it, or wants one now and has had it for less than half. A thread that hangs in a call sleeps in the kernel, or has its
    /// processor. The first thread does not count where it has `answered`: it is about to rest then.
    pub(crate) fn starved_for(&self, given: Duration, answered: bool) -> Option<Duration> {
        let elapsed = self.at.elapsed();
        let wants = |(name, now): (String, Thread)| {
            let before = self.threads.get(&name).copied().unwrap_or_default();
            now.waited.saturating_sub(before.waited) * 2 >= elapsed.max(given)
                || (now.ran.saturating_sub(before.ran) * 2 < elapsed
                    && !(answered && name == self.process.to_string())
                    && is_runnable(&folder(self.process).join(name)))
        };
        threads(self.process).into_iter().any(wants).then_some(elapsed)
    }
}

fn folder(process: u32) -> PathBuf {
    Path::new("/proc").join(process.to_string()).join("task")
}

/// Those of which the kernel tells anything.
fn threads(process: u32) -> BTreeMap<String, Thread> {
    let read = |name: String| {
        let text = fs::read_to_string(folder(process).join(&name).join("schedstat")).ok()?;
        let mut numbers = text.split_ascii_whitespace().map_while(|number| number.parse().ok());
        let [ran, waited] = [numbers.next()?, numbers.next()?].map(Duration::from_nanos);
        Some((name, Thread { ran, waited }))
    };
    let names = fs::read_dir(folder(process)).into_iter().flatten().flatten();
    names.filter_map(|entry| entry.file_name().into_string().ok()).filter_map(read).collect()
}

fn is_runnable(thread: &Path) -> bool {
    let line = fs::read_to_string(thread.join("stat")).unwrap_or_default();
    // The name, in brackets, may hold anything.
    line.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('R'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_process_that_is_gone_nothing_is_said() {
        assert_eq!(Before::start(u32::MAX, Instant::now()).starved_for(Duration::ZERO, false), None);
    }
}
