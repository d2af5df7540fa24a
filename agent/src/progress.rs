//! Tells a run as it happens: live bars on a terminal, plain lines elsewhere, JSON lines for programs.

mod bars;
mod lines;

use std::io::IsTerminal;

use crate::runner::Event;

/// Where the events of a run go, for people.
pub(crate) trait Progress {
    fn event(&mut self, event: &Event);
    /// No more events: what moves on the screen must stand still.
    fn finish(&mut self);
    /// Whether a person watches it move.
    fn is_live(&self) -> bool {
        false
    }
}

/// The way that fits: JSON lines when asked for, bars where somebody watches, else lines.
pub(crate) fn choose(json: bool, quiet: bool) -> Box<dyn Progress> {
    if json {
        Box::new(lines::Json)
    } else if quiet {
        Box::new(lines::Quiet)
    } else if std::io::stderr().is_terminal() {
        Box::new(bars::Bars::new())
    } else {
        Box::new(lines::Plain)
    }
}
