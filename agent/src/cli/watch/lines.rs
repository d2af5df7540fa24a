//! One line a change.

use std::collections::BTreeMap;
use std::io::{self, Write};

use gpunode_host::count;
use gpunode_host::health::Change;
use gpunode_host::health::report::{Report, SourceReport, Watch, WatchEvent};

use super::{Seen, Show};
use crate::look::{Target, now_unix_ms};
use crate::view::{self, Paint};

/// Sources whose state has changed, by what was told of them last.
#[derive(Debug, Default)]
struct Told(BTreeMap<String, SourceReport>);

impl Told {
    /// Those that are worth a line: before everything has answered once, only what cannot.
    fn news(&mut self, report: Report) -> Vec<SourceReport> {
        let mut news = Vec::new();
        for source in report.sources {
            let key = format!("{:?} {:?}", source.name, source.pci);
            if self.0.get(&key).is_none_or(|before| before.state != source.state) {
                self.0.insert(key, source.clone());
                news.push(source);
            }
        }
        news
    }
}

/// JSON lines.
#[derive(Debug, Default)]
pub(super) struct Json {
    told: Told,
    /// Whether the whole was told.
    begun: bool,
}

impl Show for Json {
    fn show(&mut self, seen: &Seen<'_>) -> io::Result<()> {
        let mut events: Vec<_> = seen.changes.iter().cloned().map(WatchEvent::from).collect();
        if seen.first {
            self.begun = true;
            self.told.news(seen.report());
            events.push(WatchEvent::Report { report: Box::new(seen.report()) });
        } else if self.begun && seen.news.sources {
            let sources = self.told.news(seen.report());
            events.extend(sources.into_iter().map(|source| WatchEvent::Source { source }));
        }
        let now = now_unix_ms();
        for event in events {
            let line = serde_json::to_string(&Watch::new(now, event)).map_err(io::Error::from)?;
            writeln!(io::stdout(), "{line}")?;
        }
        Ok(())
    }
}

/// Lines for people and logs.
#[derive(Debug, Default)]
pub(super) struct Plain {
    told: Told,
    begun: bool,
}

impl Show for Plain {
    fn begin(&mut self, target: &Target) -> io::Result<()> {
        let machine = view::machine(&target.instance);
        writeln!(io::stdout(), "{} watching {machine}", view::time(now_unix_ms()))
    }

    fn show(&mut self, seen: &Seen<'_>) -> io::Result<()> {
        let time = view::time(now_unix_ms());
        for change in seen.changes {
            let (what, found) = match change {
                Change::Appeared(found) => ("new:", found),
                Change::Altered(found) => ("changed:", found),
                Change::Gone(found) => ("over:", found),
            };
            writeln!(io::stdout(), "{time} {what} {}", view::finding_line(found, Paint(false)))?;
        }
        if seen.early {
            // What has not answered may be sick: that is no verdict yet.
            let pending = count(seen.monitor.sources().pending().count(), "source");
            writeln!(
                io::stdout(),
                "{time} so far: {}; no answer yet from {pending}",
                counts(&seen.report())
            )?;
        }
        if seen.first {
            self.begun = true;
            let report = seen.report();
            writeln!(io::stdout(), "{time} {}: {}", report.verdict.word(), counts(&report))?;
            self.sources(&time, report, true)?;
        } else if self.begun && seen.news.sources {
            self.sources(&time, seen.report(), false)?;
        }
        Ok(())
    }
}

impl Plain {
    /// At first those that did not answer, later all that change.
    fn sources(&mut self, time: &str, report: Report, first: bool) -> io::Result<()> {
        for source in self.told.news(report) {
            if !(first && source.state.is_good()) {
                writeln!(io::stdout(), "{time} source: {}", view::clean(&source.sentence()))?;
            }
        }
        Ok(())
    }
}

/// `8 GPUs, 32 EFA, 1 finding`
fn counts(report: &Report) -> String {
    let (gpus, findings) = (count(report.gpus.len(), "GPU"), count(report.findings.len(), "finding"));
    format!("{gpus}, {} EFA, {findings}", report.efa.len())
}
