//! A case played on a machine that a real program watches, by the clock on the wall.
#![allow(clippy::panic, clippy::expect_used, reason = "a case that cannot be played has failed")]

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::change::Changes;
use super::{Case, Step, names};
use crate::looked::Machine;

/// Of one case, looks and waiting left out.
const MOST: Duration = Duration::from_secs(70);
/// Of one step: what a rule needs is seen by then.
const OF_STEP: Duration = Duration::from_secs(60);

/// Makes a machine go through a case.
#[derive(Debug, Default)]
pub struct Live {
    changes: Changes,
    lines: u64,
}

impl Live {
    /// Does what happens in this round of the step.
    ///
    /// # Panics
    /// When it cannot be done.
    pub fn round(&mut self, machine: &Machine, step: &Step, round: u32) {
        for change in &step.tree {
            self.changes.make(&machine.tree, change).unwrap_or_else(|error| panic!("{change}: {error}"));
        }
        if let Some(different) = step.nvml.as_ref().filter(|_| round == 0) {
            machine.play_text(different);
        }
        for line in &step.log {
            self.say(machine, &names::fill(&machine.tree, line));
        }
    }

    /// The kernel says something, now.
    ///
    /// # Panics
    /// When the log cannot be written.
    pub fn say(&mut self, machine: &Machine, text: &str) {
        // Behind the one line that is there from the start.
        let sequence = self.lines + 2;
        self.lines += 1;
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("the clock can be read");
        let path = machine.tree.path().join("dev/kmsg");
        let mut log = OpenOptions::new().append(true).open(path).expect("the log is there");
        let record = format!("4,{sequence},{},-;{text}\n", Duration::from(now).as_micros());
        log.write_all(record.as_bytes()).expect("the log can be written");
    }
}

/// The steps of a case that can be waited for, each with no more rounds than its rules need: what only proves that nothing
/// changes for ten minutes, or what goes away after two, is played with a clock that is set, and not here.
pub fn shorten(case: &Case) -> Vec<Step> {
    let (mut kept, mut left, mut before) = (Vec::new(), MOST, &Vec::new());
    for step in &case.steps {
        let (every, rounds) = (step.every.unwrap_or(10), step.rounds.unwrap_or(1));
        let happens =
            !step.tree.is_empty() || step.nvml.is_some() || !step.log.is_empty() || step.held.is_some();
        let ends = before.iter().any(|finding| !step.findings.contains(finding));
        if !happens && step.findings == *before {
            continue;
        }
        let most = u32::try_from(OF_STEP.as_secs() / every).unwrap_or(u32::MAX);
        // What comes by itself needs two looks.
        let rounds = if happens || ends { rounds } else { rounds.min(2) };
        let needs = Duration::from_secs(every) * rounds;
        // What must have passed for something to end cannot be cut.
        if ends && needs > left {
            break;
        }
        let rounds = rounds.min(most);
        let Some(rest) = left.checked_sub(Duration::from_secs(every) * rounds) else { break };
        left = rest;
        before = &step.findings;
        kept.push(Step { rounds: Some(rounds), ..step.clone() });
    }
    kept
}
