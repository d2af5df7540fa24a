//! Progress as lines.

use serde_json::json;

use super::Progress;
use crate::print;
use crate::runner::Event;
use crate::step::few;

/// Plain lines on standard error, for logs and serial consoles.
pub(super) struct Plain;

impl Progress for Plain {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Started(_) => {}
            Event::Changing(step, changes) => {
                print::err(format_args!("{}: to change: {}", step.name(), few(changes)));
            }
            Event::Ended(result) => {
                let (name, word) = (result.step.name(), result.outcome.word());
                print::err(format_args!(
                    "{name}: {word} ({:.2} s): {}",
                    result.elapsed.as_secs_f64(),
                    result.summary
                ));
            }
        }
    }

    fn finish(&mut self) {}
}

/// One JSON object a line on standard output.
pub(super) struct Json;

impl Progress for Json {
    fn event(&mut self, event: &Event) {
        let line = match event {
            Event::Started(step) => json!({"event": "look", "step": step}),
            Event::Changing(step, changes) => json!({"event": "change", "step": step, "changes": changes}),
            Event::Ended(result) => json!({"event": "end-step", "result": result}),
        };
        print::out(line);
    }

    fn finish(&mut self) {}
}

/// Nothing until the end.
pub(super) struct Quiet;

impl Progress for Quiet {
    fn event(&mut self, _: &Event) {}
    fn finish(&mut self) {}
}
