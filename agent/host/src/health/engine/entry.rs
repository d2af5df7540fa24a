//! One rule's signs on one subject, and whether they are a finding.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Now, Present, Sighting, Source, Subject};
use crate::health::Rule;
use crate::health::rule::Confirm;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) rule: &'static Rule,
    pub(super) subject: Subject,
    pub(super) source: Source,
    /// Seen once when it happened, not at every look.
    pub(super) event: bool,
    /// Whether it is a finding.
    pub(super) open: bool,
    message: String,
    stale: bool,
    /// Looks in a row that showed it.
    row: u32,
    /// Of the signs that are not forgotten; the first is where the row began. On the clock of [`Now::boot`].
    signs: VecDeque<Duration>,
    last: Duration,
    pub(super) since_unix_ms: u64,
}

impl Entry {
    pub(super) fn new(source: &Source, sighting: &Sighting, event: bool) -> Self {
        Self {
            rule: sighting.rule,
            subject: sighting.subject.clone(),
            source: source.clone(),
            event,
            open: false,
            message: String::new(),
            stale: false,
            row: 0,
            signs: VecDeque::new(),
            last: Duration::ZERO,
            since_unix_ms: 0,
        }
    }

    /// A finding that stood when the program ended.
    pub(super) fn restored(rule: &'static Rule, saved: super::saved::Finding) -> Self {
        Self {
            rule,
            subject: saved.subject,
            source: saved.source,
            event: saved.event,
            open: true,
            message: saved.message,
            stale: !saved.event,
            row: 1,
            signs: VecDeque::new(),
            last: Duration::from_millis(saved.last_boot_ms),
            since_unix_ms: saved.since_unix_ms,
        }
    }

    pub(super) fn saved(&self) -> super::saved::Finding {
        super::saved::Finding {
            code: self.rule.code.to_owned(),
            subject: self.subject.clone(),
            source: self.source.clone(),
            event: self.event,
            message: self.message.clone(),
            last_boot_ms: crate::millis(self.last),
            since_unix_ms: self.since_unix_ms,
        }
    }

    /// One more sign. Says whether a report of it would differ from the one before.
    pub(super) fn sign(
        &mut self,
        now: Now,
        source: &Source,
        sighting: Sighting,
        event: bool,
        at_once: bool,
    ) -> bool {
        let differs = self.stale || self.message != sighting.message;
        // A look proves more than an event: from then on a look decides when it is over.
        if self.event && !event {
            self.event = false;
        }
        if !event || self.event {
            self.source = source.clone();
        }
        self.message = sighting.message;
        self.subject = sighting.subject;
        self.stale = false;
        self.last = now.boot;
        self.row = self.row.saturating_add(1);
        self.remember(now);
        if !self.open && self.confirmed(now, at_once) {
            self.open = true;
            self.since_unix_ms = now.unix_ms;
            self.signs.clear();
        }
        differs
    }

    /// Whether it is over, now that a look does not show it.
    pub(super) fn over_without_sign(&self, now: Now) -> bool {
        match self.rule.confirm {
            Confirm::Times(_, span) if !self.open => now.since(self.last) > span,
            _ => !self.open || self.rule.hold.is_none_or(|hold| now.since(self.last) >= hold),
        }
    }

    /// Whether it is an event that has stood long enough, or signs of one that came to nothing.
    pub(super) fn expired(&self, now: Now) -> bool {
        self.expiry().is_some_and(|at| now.boot >= at)
    }

    pub(super) fn expiry(&self) -> Option<Duration> {
        let span = match self.rule.confirm {
            Confirm::Times(_, span) if !self.open => Some(span),
            _ => self.rule.hold,
        };
        span.filter(|_| self.event).map(|span| self.last + span)
    }

    pub(super) fn set_stale(&mut self, stale: bool) -> bool {
        let changed = self.open && self.stale != stale;
        self.stale = stale;
        changed
    }

    pub(super) fn present(&self) -> Present {
        Present {
            code: self.rule.code,
            severity: self.rule.severity,
            subject: self.subject.clone(),
            message: self.message.clone(),
            since_unix_ms: self.since_unix_ms,
            clears: self.rule.clears,
            action: self.rule.action,
            stale: self.stale,
        }
    }

    /// Keeps as many times as the rule asks about, and no more.
    fn remember(&mut self, now: Now) {
        match self.rule.confirm {
            Confirm::Times(count, span) => {
                self.signs.push_back(now.boot);
                while self.signs.len() > count as usize
                    || self.signs.front().is_some_and(|first| now.since(*first) > span)
                {
                    self.signs.pop_front();
                }
            }
            Confirm::For(_) if self.signs.is_empty() => self.signs.push_back(now.boot),
            _ => {}
        }
    }

    fn confirmed(&self, now: Now, at_once: bool) -> bool {
        match self.rule.confirm {
            Confirm::Looks(_) | Confirm::For(_) if at_once => true,
            Confirm::AtOnce => true,
            Confirm::Looks(count) => self.row >= count,
            Confirm::For(span) => self.signs.front().is_some_and(|first| now.since(*first) >= span),
            Confirm::Times(count, _) => self.signs.len() >= count as usize,
        }
    }
}
