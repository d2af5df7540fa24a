//! The record of runs: one line of JSON for each thing that happened. Where something is changed, the line is on disk
//! before the run goes on. A run that was cut off is seen by the line that is missing at its end.

use std::time::SystemTime;

use gpunode_host::Root;
use serde_json::{Value, json};

use crate::os::{FileSpec, Lasting, Os, WriteError};
use crate::runner::{Event, Outcome};

/// One file, one JSON object a line.
pub(crate) const PATH: &str = "/var/lib/gpunode/journal.jsonl";

/// Above this size, in bytes, the older half is dropped at the start of a run. A run writes about 4 KiB.
const MAX_SIZE: usize = 256 << 10;

/// The journal of one run.
pub(crate) struct Journal {
    os: Os,
    run: String,
    /// The first failure to write; the run goes on without a journal, and says so at its end.
    pub(crate) broken: Option<WriteError>,
}

/// A run that has no end in the journal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CutOff {
    pub(crate) run: String,
    /// Steps that had begun to change something and had not ended.
    pub(crate) changing: Vec<String>,
}

impl Journal {
    /// Opens the journal for a new run, and tells of an earlier one that was cut off.
    pub(crate) fn open(os: &Os, run: &str, boot: Option<&str>) -> (Self, Option<CutOff>) {
        let text = os.root().read_text(PATH).ok().flatten().unwrap_or_default();
        let mut journal = Self { os: os.clone(), run: run.to_owned(), broken: None };
        if text.len() > MAX_SIZE {
            journal.shorten(&text);
        }
        // A power cut can leave a last line without its end; the next line must not be glued to it.
        if !text.is_empty() && !text.ends_with('\n') {
            journal.append("", Lasting::InTime);
        }
        let begin = json!({"event": "begin", "boot": boot, "version": env!("CARGO_PKG_VERSION")});
        journal.line(begin, Lasting::Now);
        (journal, cut_off(&text))
    }

    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            // What a look leaves behind is nothing: a power cut may take its lines along.
            Event::Started(step) => self.line(json!({"event": "look", "step": step}), Lasting::InTime),
            Event::Changing(step, changes) => {
                self.line(json!({"event": "change", "step": step, "changes": changes}), Lasting::Now);
            }
            Event::Ended(result) => {
                let changed = matches!(result.outcome, Outcome::Changed | Outcome::Failed);
                let lasting = if changed { Lasting::Now } else { Lasting::InTime };
                self.line(json!({"event": "end-step", "step": result.step, "result": result}), lasting);
            }
        }
    }

    pub(crate) fn end(&mut self, result: &str) {
        self.line(json!({"event": "end", "result": result}), Lasting::Now);
    }

    fn line(&mut self, mut line: Value, lasting: Lasting) {
        line["run"] = json!(self.run);
        line["time"] = json!(humantime::format_rfc3339_millis(SystemTime::now()).to_string());
        self.append(&line.to_string(), lasting);
    }

    fn append(&mut self, line: &str, lasting: Lasting) {
        if self.broken.is_none() {
            self.broken = self.os.append_line(PATH, line, lasting).err();
        }
    }

    fn shorten(&mut self, text: &str) {
        let kept = text.len() - MAX_SIZE / 2;
        let from =
            text.as_bytes()[kept..].iter().position(|b| *b == b'\n').map_or(text.len(), |at| kept + at + 1);
        let tail = text.get(from..).unwrap_or_default();
        self.broken = self.os.write(&FileSpec { mode: 0o600, ..FileSpec::new(PATH, tail) }).err();
    }
}

/// The last run in the journal, if it has no end. Lines that do not parse are passed over: they are what a power
/// cut left.
fn cut_off(text: &str) -> Option<CutOff> {
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut open: Option<CutOff> = None;
    for line in lines {
        let word = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        match (line["event"].as_str(), &mut open) {
            (Some("begin"), _) => {
                open = Some(CutOff { run: word("run"), changing: Vec::new() });
            }
            (Some("end"), _) => open = None,
            (Some("change"), Some(run)) => run.changing.push(word("step")),
            (Some("end-step"), Some(run)) => run.changing.retain(|step| *step != word("step")),
            _ => {}
        }
    }
    open
}

/// The kernel's name for this boot, a UUID. Source: proc(5), `sys/kernel/random/boot_id`.
pub(crate) fn boot_id(root: &Root) -> Option<String> {
    root.value("/proc/sys/kernel/random/boot_id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_end_is_told_with_the_step_it_was_in() {
        let text = concat!(
            r#"{"event":"begin","run":"a"}"#,
            "\n",
            r#"{"event":"end","run":"a"}"#,
            "\n",
            r#"{"event":"begin","run":"b"}"#,
            "\n",
            r#"{"event":"change","step":"sysctl"}"#,
            "\n",
            r#"{"event":"change","step":"data-volumes"}"#,
            "\n",
            r#"{"event":"end-step","step":"sysctl"}"#,
            "\n",
            r#"{"event":"end-st"#,
        );
        assert_eq!(cut_off(text), Some(CutOff { run: "b".into(), changing: vec!["data-volumes".into()] }));
        assert_eq!(cut_off(r#"{"event":"begin","run":"a"}{"event":"end"}"#), None);
    }

    #[test]
    fn the_journal_is_bounded_and_survives_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let os = Os::real(Root::new(dir.path()));
        let line = format!("{}\n", json!({"event": "look", "pad": "x".repeat(200)}));
        os.write(&FileSpec::new(PATH, line.repeat(2 * MAX_SIZE / line.len()) + r#"{"torn"#)).unwrap();
        let (mut journal, cut) = Journal::open(&os, "r", None);
        journal.end("ok");
        assert!(journal.broken.is_none());
        assert_eq!(cut, None);
        let text = os.root().read_text(PATH).unwrap().unwrap();
        assert!(text.len() < MAX_SIZE, "{}", text.len());
        assert!(text.lines().last().unwrap().contains(r#""event":"end""#));
    }
}
