//! Waits for what must come.
#![expect(clippy::panic, reason = "what does not come has failed")]

use std::time::{Duration, Instant};

use super::Node;

/// Far beyond what anything here takes; only what hangs, or is wrong, gets there.
const PATIENCE: Duration = Duration::from_secs(120);

impl Node {
    /// Waits until a condition has this status and reason.
    ///
    /// # Panics
    /// When it does not come.
    pub fn until(&self, kind: &str, status: &str, reason: &str) {
        self.wait(&format!("{kind} {status} {reason}"), |node| {
            let (is, why) = node.condition(kind);
            is == status && (reason.is_empty() || why == reason)
        });
    }

    /// Waits until an event with this reason is told.
    ///
    /// # Panics
    /// When it is not.
    pub fn until_told(&self, reason: &str) {
        self.wait(&format!("event {reason}"), |node| node.events().iter().any(|(told, _)| told == reason));
    }

    /// Waits until the program says this in its log.
    ///
    /// # Panics
    /// When it does not.
    pub fn until_logged(&self, words: &str) {
        let log = self.log();
        self.wait(&format!("the log's {words:?}"), |_| {
            std::fs::read_to_string(&log).is_ok_and(|text| text.contains(words))
        });
    }

    /// Waits until something is so, for two minutes at most.
    ///
    /// # Panics
    /// When it does not come; with the node and the end of the program's log.
    pub fn wait(&self, what: &str, so: impl Fn(&Self) -> bool) {
        self.wait_within(PATIENCE, what, so);
    }

    /// The same with another limit.
    ///
    /// # Panics
    /// When it does not come; with the node and the end of the program's log.
    pub fn wait_within(&self, patience: Duration, what: &str, so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !so(self) {
            if started.elapsed() > patience {
                let log = std::fs::read_to_string(self.log()).unwrap_or_default();
                let lines: Vec<_> = log.lines().collect();
                let end = lines[lines.len().saturating_sub(12)..].join("\n");
                let (object, events) = (self.object(), self.events());
                let (labels, status) = (&object["metadata"]["labels"], &object["status"]["conditions"]);
                panic!("waited in vain for {what}\n{labels}\n{status}\n{events:?}\n{end}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
