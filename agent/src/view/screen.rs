//! The screen of `watch`: never more lines than the terminal has, none longer than it is wide.

use gpunode_host::count;
use gpunode_host::health::report::{Efa, Gpu, Report, Standing};

use super::paint::{Paint, Style};
use super::{devices, finding_line, head, report, units};

/// A terminal's size, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

/// The lines to show. What is wrong comes first; of devices that are well as many are shown as there is room for.
pub(crate) fn screen(report: &Report, pending: usize, size: Size, paint: Paint) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{}  {}",
            paint.text(Style::Bold, &head::machine(&report.instance)),
            units::time(report.time_unix_ms)
        ),
        match pending {
            0 => head::verdict(report, paint),
            waiting => format!("looking: no answer yet from {}", count(waiting, "source")),
        },
    ];
    lines.extend(report.findings.iter().map(|found| finding_line(found, paint)));
    if pending == 0 {
        lines.extend(report::sources(&report.sources, false));
    }
    let room = size.rows.saturating_sub(lines.len());
    lines.extend(device_lines(report, room, paint));
    if lines.len() > size.rows {
        let hidden = lines.len() - size.rows + 1;
        lines.truncate(size.rows.saturating_sub(1));
        lines.push(format!("… {hidden} more lines; `gpunode-agent check` shows all"));
    }
    lines.truncate(size.rows);
    lines.iter().map(|line| cut(line, size.columns)).collect()
}

/// GPUs and EFA; where there is no room for all, those that are well are only counted.
fn device_lines(report: &Report, room: usize, paint: Paint) -> Vec<String> {
    let whole = groups(&report.gpus, &report.efa, paint);
    if whole.len() <= room {
        return whole;
    }
    let sick = |standing: Standing| standing != Standing::Ok;
    let efa: Vec<Efa> = report.efa.iter().filter(|efa| sick(efa.standing)).cloned().collect();
    let well = report.efa.len() - efa.len();
    let mut fewer = groups(&report.gpus, &efa, paint);
    if fewer.len() < room || report.gpus.is_empty() {
        fewer.push(format!("{well} EFA are well"));
        return fewer;
    }
    let gpus: Vec<Gpu> = report.gpus.iter().filter(|gpu| sick(gpu.standing)).cloned().collect();
    let well_gpus = report.gpus.len() - gpus.len();
    let mut fewest = vec![format!("{} and {well} EFA are well", count(well_gpus, "GPU"))];
    fewest.extend(groups(&gpus, &efa, paint));
    fewest
}

fn groups(gpus: &[Gpu], efa: &[Efa], paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for group in [
        (!gpus.is_empty()).then(|| devices::gpus(gpus, false, paint)),
        (!efa.is_empty()).then(|| devices::efa(efa, false, paint)),
    ]
    .into_iter()
    .flatten()
    {
        lines.push(String::new());
        lines.extend(group);
    }
    lines
}

/// The first `columns` characters of a line; colour codes have no width and stay whole.
fn cut(line: &str, columns: usize) -> String {
    let (mut kept, mut width, mut in_code) = (String::new(), 0, false);
    for c in line.chars() {
        if c == '\x1b' {
            in_code = true;
        }
        if in_code {
            kept.push(c);
            in_code = c != 'm';
        } else if width < columns {
            kept.push(c);
            width += 1;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_line_keeps_its_colours_whole() {
        assert_eq!(cut("\x1b[31merror\x1b[0m rest", 3), "\x1b[31merr\x1b[0m");
        assert_eq!(cut("°C", 1), "°");
    }
}
