//! What came of a call.

use std::time::Duration;

use super::backoff::part;
use super::{Call, Failure, Found, OfEvent, Published, Publisher};
use crate::event_book::{Answer, EventWrite};
use crate::labels::Labels;

impl Publisher {
    pub(super) fn written(&mut self, now: Duration, call: &Call, found: Found, chance: u64) {
        match call {
            Call::Status(conditions) => {
                let Found { uid, labels } = found;
                if uid.is_some() && self.published.uid.is_some() && self.published.uid != uid {
                    // Another object of the same name: nothing of ours is on it but what was just written.
                    (self.published.labels, self.published.taint) = (None, Some(None));
                }
                self.published.uid = uid.or(self.published.uid.take());
                if labels.is_some_and(|there| self.lacks_ours(&there)) {
                    self.published.labels = None;
                }
                self.taint_unseen = true;
                self.published.conditions = Some(conditions.clone());
                self.status_sent = Some(now);
                let heartbeat = self.settings.heartbeat;
                self.heartbeat_due = Some(now + heartbeat + part(heartbeat, chance, 100));
            }
            Call::Labels { labels, .. } => self.published.labels = Some(labels.clone()),
            Call::Taint(taint) => (self.published.taint, self.taint_unseen) = (Some(taint.clone()), false),
            Call::Event(write) => self.events.done(now, write, Answer::Written),
        }
    }

    /// Whether somebody has taken a label of ours away, or given it another value.
    fn lacks_ours(&self, there: &Labels) -> bool {
        let mut ours = self.published.labels.iter().flatten();
        ours.any(|(key, value)| there.get(key) != Some(value))
    }

    pub(super) fn failed(&mut self, now: Duration, call: &Call, failure: Failure, chance: u64) {
        let lane = &mut self.lanes[call.lane() as usize];
        match failure {
            Failure::Away { asked } => self.all.failed(now, asked, chance),
            Failure::Forbidden => lane.refused(now, chance),
            Failure::Again => lane.failed(now, None, chance),
            Failure::NoNode => {
                lane.failed(now, None, chance);
                // It may come back as another object: all of ours has to be written again.
                let taint = self.published.taint.as_ref().map(|_| None);
                self.published = Published { taint, ..Published::default() };
            }
            Failure::Event(answer) => match call {
                Call::Event(write) => {
                    // Not again and again, should an API server contradict itself.
                    lane.failed(now, None, chance);
                    self.event_failed(now, write, answer);
                }
                _ => lane.failed(now, None, chance),
            },
            Failure::Refused => match call {
                Call::Event(write) => self.events.done(now, write, Answer::Refused),
                _ => lane.refused(now, chance),
            },
        }
    }

    fn event_failed(&mut self, now: Duration, write: &EventWrite, answer: OfEvent) {
        let answer = match answer {
            OfEvent::Exists => Answer::Exists,
            OfEvent::Absent => Answer::Absent,
        };
        self.events.done(now, write, answer);
    }
}
