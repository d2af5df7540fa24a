//! How a run goes, on standard error: a bar on a terminal, a line for each change elsewhere.

use std::collections::BTreeMap;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::err;
use crate::carry_out::Event;
use crate::desired::{Call, Outcome};

pub(super) struct Progress {
    bar: ProgressBar,
    /// What was last done to a thing that is changed.
    verbs: BTreeMap<String, &'static str>,
    /// What was last waited for.
    statuses: BTreeMap<String, String>,
}

impl Progress {
    /// For so many things.
    pub(super) fn new(things: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(things as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        Self { bar, verbs: BTreeMap::new(), statuses: BTreeMap::new() }
    }

    pub(super) fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Asked(id, call) => {
                let verb = match call {
                    Call::Read => return,
                    Call::Create(_) => "made",
                    Call::Update(_) => "changed",
                    Call::Delete => "removed",
                };
                self.verbs.insert((*id).to_owned(), verb);
                self.bar.set_message((*id).to_owned());
            }
            Event::Again(id, why) => self.line(&format!("again: {id}: {why}")),
            Event::Waiting(id, status) => {
                self.bar.set_message(format!("{id}: {status}"));
                // Without a bar each status is told once.
                let before = self.statuses.insert((*id).to_owned(), (*status).to_owned());
                if self.bar.is_hidden() && before.as_deref() != Some(status) {
                    err(format_args!("waiting: {id}: {status}"));
                }
            }
            Event::Ended(id, outcome) => {
                self.bar.inc(1);
                if **outcome == Outcome::Changed {
                    self.line(&format!("{}: {id}", self.verbs.get(*id).copied().unwrap_or("changed")));
                }
            }
        }
    }

    /// What failed or was left is told at the end, where it is found.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, text: &str) {
        if self.bar.is_hidden() {
            err(text);
        } else {
            self.bar.println(text);
        }
    }
}
