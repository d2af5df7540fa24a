//! What there is to do, and when.

use std::time::Duration;

use super::{Call, Lane, Publisher, TOGETHER};
use crate::reporter::Desired;

impl Publisher {
    /// When the lane has something to do, its back-off left out.
    pub(super) fn due(&self, lane: Lane, now: Duration) -> Option<Duration> {
        let wanted = self.wanted.as_ref()?;
        match lane {
            Lane::Status => {
                let changed = self.published.conditions.as_ref() != Some(&wanted.conditions);
                let soon = self.status_sent.map_or(Duration::ZERO, |sent| sent + TOGETHER);
                (changed && self.ready).then_some(soon).or(self.heartbeat_due)
            }
            // The answer to the conditions has told the node's UID, without which an apply could make a node.
            Lane::Labels => {
                let changed = self.published.labels.as_ref() != Some(&wanted.labels);
                (changed && self.published.conditions.is_some()).then_some(Duration::ZERO)
            }
            Lane::Taint => {
                (self.taint_differs(wanted) && self.published.conditions.is_some()).then_some(Duration::ZERO)
            }
            // An event without the node's UID is not shown by `kubectl describe node`; but better that than none.
            Lane::Events => {
                let due = self.events.due()?;
                let ahead =
                    self.published.uid.is_none() && self.lanes[0].failures() == 0 && now < due + TOGETHER;
                Some(if ahead { due.max(now + TOGETHER) } else { due })
            }
        }
    }

    pub(super) fn taint_differs(&self, wanted: &Desired) -> bool {
        // Where it is not known whether there is one, somebody has to look if there should be one; if there should not,
        // only a run that is asked to taint knows that it may have left one.
        match &self.published.taint {
            Some(there) => *there != wanted.taint || self.taint_unseen && wanted.taint.is_some(),
            None => wanted.taint.is_some(),
        }
    }

    pub(super) fn call(&self, lane: Lane, now: Duration) -> Option<Call> {
        let wanted = self.wanted.as_ref()?;
        let uid = self.published.uid.clone();
        Some(match lane {
            Lane::Status => Call::Status(wanted.conditions.clone()),
            Lane::Labels => Call::Labels { labels: wanted.labels.clone(), uid },
            Lane::Taint => Call::Taint(wanted.taint.clone()),
            Lane::Events => Call::Event(self.events.next(now)?),
        })
    }
}
