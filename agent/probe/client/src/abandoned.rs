//! Killed processes that have not ended yet. Nobody waits for them: one that is stuck in the kernel ends when the
//! driver lets it go, or never.

use std::process::Child;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How long a killed process may take to end before it counts as stuck: giving back its memory takes milliseconds.
const ENDING: Duration = Duration::from_millis(50);

/// A killed process that has not ended.
#[derive(Debug)]
struct Killed {
    child: Child,
    abandoned: Abandoned,
}

/// What is known of a killed process that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abandoned {
    /// Its process id.
    pub pid: u32,
    /// When it was killed.
    pub since: SystemTime,
    /// The GPU on which it hung, by PCI address.
    pub gpu: Option<String>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Graveyard(Vec<Killed>);

impl Graveyard {
    /// Kills a process; keeps it when it does not end.
    pub(crate) fn kill(&mut self, mut child: Child, gpu: Option<String>) {
        // It fails only for one that has ended.
        let _ = child.kill();
        let until = Instant::now() + ENDING;
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() >= until {
                let abandoned = Abandoned { pid: child.id(), since: SystemTime::now(), gpu };
                self.0.push(Killed { child, abandoned });
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Forgets those that have ended; the GPUs on which they hung.
    pub(crate) fn reap(&mut self) -> Vec<String> {
        // An error says that there is no such child: somebody else waited for it.
        let ended = self.0.extract_if(.., |killed| !matches!(killed.child.try_wait(), Ok(None)));
        ended.filter_map(|killed| killed.abandoned.gpu).collect()
    }

    /// How many have not ended.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether one is left that hung on this GPU.
    pub(crate) fn holds(&self, gpu: &str) -> bool {
        self.0.iter().any(|killed| killed.abandoned.gpu.as_deref() == Some(gpu))
    }

    /// Those that have not ended.
    pub(crate) fn list(&self) -> Vec<Abandoned> {
        self.0.iter().map(|killed| killed.abandoned.clone()).collect()
    }
}
