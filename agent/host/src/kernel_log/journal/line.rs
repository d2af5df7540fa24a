//! A line of the kernel, as `/dev/kmsg` would have given it.

use crate::kernel_log::Record;

/// What of an entry is wanted.
const MESSAGE: &[u8] = b"MESSAGE=";
const PRIORITY: &[u8] = b"PRIORITY=";
const FACILITY: &[u8] = b"SYSLOG_FACILITY=";
/// In microseconds since boot, by the kernel's clock: what `/dev/kmsg` gives.
const SAID_AT: &[u8] = b"_SOURCE_MONOTONIC_TIMESTAMP=";

/// One line. It is used again for the next.
#[derive(Debug, Default)]
pub(super) struct Line {
    text: Option<Vec<u8>>,
    priority: Option<u8>,
    facility: Option<u32>,
    said_at: Option<u64>,
    /// When journald took it in.
    taken_at: u64,
    body: Vec<u8>,
}

impl Line {
    pub(super) fn begin(&mut self, taken_at: u64) {
        *self = Self { taken_at, body: std::mem::take(&mut self.body), ..Self::default() };
    }

    /// Whether what begins so is of use.
    pub(super) fn wants(beginning: &[u8]) -> bool {
        [MESSAGE, PRIORITY, FACILITY, SAID_AT].iter().any(|name| beginning.starts_with(name))
    }

    /// Takes a field in: `NAME=value`.
    pub(super) fn take(&mut self, field: &[u8]) {
        if let Some(text) = field.strip_prefix(MESSAGE) {
            self.text = Some(text.to_vec());
        } else if let Some(priority) = field.strip_prefix(PRIORITY) {
            self.priority = decimal(priority).and_then(|number| u8::try_from(number).ok());
        } else if let Some(facility) = field.strip_prefix(FACILITY) {
            self.facility = decimal(facility).and_then(|number| u32::try_from(number).ok());
        } else if let Some(said_at) = field.strip_prefix(SAID_AT) {
            self.said_at = decimal(said_at);
        }
    }

    /// Whether nothing more is needed.
    pub(super) fn is_full(&self) -> bool {
        self.text.is_some() && self.priority.is_some() && self.facility.is_some() && self.said_at.is_some()
    }

    /// Ends it: `false` where it has no text, or nobody said who said it.
    pub(super) fn end(&mut self) -> bool {
        let (Some(text), Some(_)) = (&self.text, self.facility) else { return false };
        self.body.clear();
        for byte in text {
            escape(*byte, &mut self.body);
        }
        true
    }

    /// After [`Line::end`].
    pub(super) fn record(&self, number: u64) -> Record<'_> {
        Record {
            // journald's own default (`LOG_INFO`).
            priority: self.priority.filter(|priority| *priority < 8).unwrap_or(6),
            // Nobody's, which is not the kernel's.
            facility: self.facility.unwrap_or(u32::MAX),
            sequence: number,
            microseconds: self.said_at.unwrap_or(self.taken_at),
            body: &self.body,
        }
    }
}

/// As the kernel does it (`Documentation/ABI/testing/dev-kmsg`); journald has taken it back.
fn escape(byte: u8, to: &mut Vec<u8>) {
    if matches!(byte, b' '..=b'~') && byte != b'\\' {
        to.push(byte);
    } else {
        to.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
