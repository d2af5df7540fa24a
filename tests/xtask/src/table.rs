//! Plain tables and durations for the terminal.

use std::fmt::Write as _;
use std::time::Duration;

/// A table with a heading; columns are as wide as their widest cell.
pub(crate) fn text<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let heading = heading.map(str::to_owned);
    let lines = || std::iter::once(&heading).chain(rows);
    let widths: [usize; N] =
        std::array::from_fn(|i| lines().map(|row| row[i].chars().count()).max().unwrap_or_default());
    let mut text = String::new();
    for row in lines() {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A job's time for people: `0.4 s`, `12.0 s`, `3 min 07 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["fmt", "0.4 s"], ["prerequisites", "12.0 s"]].map(|row| row.map(str::to_owned));
        let expected = "job            time\nfmt            0.4 s\nprerequisites  12.0 s\n";
        assert_eq!(text(["job", "time"], &rows), expected);
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(Duration::from_millis(432)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(187)), "3 min 07 s");
    }
}
