//! The kernel log.

use super::{Health, Wants};
use crate::health::{Now, Sighting, Source, Subject, rules};
use crate::kernel_log::{Entry, Event};

impl Health {
    pub(super) fn line(&mut self, now: Now, entry: &Entry) -> Wants {
        self.engine.heard(&Source::KernelLog);
        self.event(now, &Source::KernelLog, &entry.event)
    }

    pub(super) fn event(&mut self, now: Now, source: &Source, event: &Event) -> Wants {
        let heard = self.kernel.judge(now, event, &self.known);
        for withdrawn in &heard.withdrawn {
            self.engine.withdraw(withdrawn);
        }
        self.happened(now, source, heard.sightings);
        for subject in &heard.reset {
            self.engine.reset(subject);
        }
        if heard.gpu_driver_loaded {
            self.engine.gpu_driver_loaded();
        }
        if let Some((pci, uuid)) = heard.uuid {
            self.known.uuids.insert(pci.to_string(), uuid);
        }
        Wants { sweep: heard.wants_sweep, efa: matches!(event, Event::Efa(_)) }
    }

    pub(super) fn lines_lost(&mut self, now: Now, count: u64) {
        if count > 0 {
            let sighting =
                Sighting::new(&rules::KERNEL_LOG_LOST, Subject::Node, "lines of the kernel log were lost");
            self.happened(now, &Source::KernelLog, [sighting]);
        }
    }
}
