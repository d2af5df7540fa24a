//! Progress on a terminal: a line with a spinner for each step that runs, a line that stays for each that ended.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Progress;
use crate::runner::{Event, Outcome};
use crate::step::{STEPS, StepId, few};

pub(super) struct Bars {
    screen: MultiProgress,
    running: BTreeMap<StepId, ProgressBar>,
    width: usize,
}

impl Bars {
    pub(super) fn new() -> Self {
        let width = STEPS.iter().map(|step| step.name.len()).max().unwrap_or(0);
        Self { screen: MultiProgress::new(), running: BTreeMap::new(), width }
    }
}

impl Progress for Bars {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Started(step) => {
                let bar = self.screen.add(ProgressBar::new_spinner());
                // A template that does not parse is a typo here; the default style still shows the message.
                if let Ok(style) =
                    ProgressStyle::with_template("{spinner:.cyan} {prefix} {elapsed:>4} {wide_msg:.dim}")
                {
                    bar.set_style(style);
                }
                bar.set_prefix(format!("{:width$}", step.name(), width = self.width));
                bar.set_message("looking");
                bar.enable_steady_tick(Duration::from_millis(100));
                self.running.insert(*step, bar);
            }
            Event::Changing(step, changes) => {
                if let Some(bar) = self.running.get(step) {
                    bar.set_message(few(changes));
                }
            }
            Event::Ended(result) => {
                if let Some(bar) = self.running.remove(&result.step) {
                    bar.finish_and_clear();
                }
                let mark = match result.outcome {
                    Outcome::Unchanged | Outcome::Changed => "✔",
                    Outcome::Planned => "…",
                    Outcome::NotApplicable | Outcome::Skipped => "–",
                    Outcome::Failed | Outcome::NotRun => "✘",
                };
                let (name, word) = (result.step.name(), result.outcome.word());
                let line = format!("{mark} {name:width$} {word:10} {}", result.summary, width = self.width);
                // Nothing can be done about a terminal that went away.
                let _ = self.screen.println(line);
            }
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn finish(&mut self) {
        for bar in std::mem::take(&mut self.running).into_values() {
            bar.finish_and_clear();
        }
    }
}
