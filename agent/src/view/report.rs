//! The whole report, as `check` prints it.

use std::collections::BTreeMap;

use gpunode_host::health::report::{Report, SourceReport};

use super::paint::{Paint, Style, clean};
use super::{devices, findings, head};

/// All of it, ending without a line break.
pub(crate) fn full(report: &Report, more: bool, paint: Paint) -> String {
    let mut lines = vec![paint.text(Style::Bold, &head::machine(&report.instance))];
    let versions = head::versions(report);
    if !versions.is_empty() {
        lines.push(versions);
    }
    let groups = [
        (report.gpus.len(), devices::gpus(&report.gpus, more, paint)),
        (report.nv_switches.len(), devices::switches(&report.nv_switches, paint)),
        (report.efa.len(), devices::efa(&report.efa, more, paint)),
        (report.disks.len(), devices::disks(&report.disks, paint)),
    ];
    for (_, group) in groups.into_iter().filter(|(count, _)| *count > 0) {
        lines.push(String::new());
        lines.extend(group);
    }
    let sources = sources(&report.sources, more);
    if !sources.is_empty() {
        lines.push(String::new());
        lines.push(paint.text(Style::Dim, "sources"));
        lines.extend(sources);
    }
    if !report.findings.is_empty() {
        lines.push(String::new());
        lines.extend(findings::lines(&report.findings, paint));
    }
    lines.push(String::new());
    lines.push(head::verdict(report, paint));
    lines.join("\n")
}

/// What did not answer, one line a kind; `all` adds the rest.
pub(super) fn sources(sources: &[SourceReport], all: bool) -> Vec<String> {
    let mut kinds: BTreeMap<&str, (&SourceReport, usize)> = BTreeMap::new();
    for source in sources.iter().filter(|source| all || !source.state.is_good()) {
        let kind = kinds.entry(source.name.words()).or_insert((source, 0));
        kind.1 += 1;
        // The one that is worst off stands for its kind.
        if kind.0.state.is_good() && !source.state.is_good() {
            kind.0 = source;
        }
    }
    let line = |(source, count): &(&SourceReport, usize)| {
        let others = if *count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
        let needed = if source.needed && !source.state.is_good() { "; needed for a verdict" } else { "" };
        clean(&format!("  {}{others}{needed}", source.sentence()))
    };
    kinds.values().map(line).collect()
}
