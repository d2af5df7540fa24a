//! Numbers for people.

use std::time::{Duration, UNIX_EPOCH};

/// Bytes with a binary prefix: `79.6 GiB`.
pub(super) fn bytes(count: u64) -> String {
    scaled(count, 1024, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"])
}

/// Bytes with a decimal prefix, as disks and networks are sold: `3.84 TB`.
pub(super) fn decimal_bytes(count: u64) -> String {
    scaled(count, 1000, &["B", "kB", "MB", "GB", "TB", "PB"])
}

fn scaled(count: u64, step: u64, units: &[&str]) -> String {
    let mut whole = 1_u64;
    let mut at = 0;
    while at + 1 < units.len() && count / step >= whole {
        whole *= step;
        at += 1;
    }
    if at == 0 {
        return format!("{count} {}", units[0]);
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits of it are shown")]
    let value = count as f64 / whole as f64;
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {}", units[at])
}

/// A moment in UTC, to the second.
pub(crate) fn time(unix_ms: u64) -> String {
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(unix_ms));
    let at = at.filter(|_| unix_ms / 1000 < END_OF_YEARS);
    at.map_or_else(|| "?".to_owned(), |at| humantime::format_rfc3339_seconds(at).to_string())
}

/// The first second of the year 10000, which RFC 3339 cannot write.
const END_OF_YEARS: u64 = 253_402_300_800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let shown: Vec<_> = [0, 1023, 1024, 85_520_809_984, u64::MAX].map(bytes).into();
        assert_eq!(shown, ["0 B", "1023 B", "1.00 KiB", "79.6 GiB", "16384 PiB"]);
        assert_eq!(decimal_bytes(3_840_755_982_336), "3.84 TB");
        assert_eq!(time(1_700_000_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(time(u64::MAX), "?");
    }
}
