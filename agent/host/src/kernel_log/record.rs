//! One record of `/dev/kmsg`, taken apart without copying.
//!
//! The form is the kernel's ABI document `dev-kmsg`:
//! `prefix,sequence,microseconds,flags[,name=value];text`, then lines ` KEY=value`. Every byte outside printable
//! ASCII, and the backslash, is written `\xNN`.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// The facility of what the kernel itself says. The kernel gives no program's line this facility.
const KERN: u32 = 0;

/// One record, borrowed from the bytes it was read into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// 0 (emergency) to 7 (debug).
    pub priority: u8,
    /// Who said it, as in syslog: 0 the kernel, 1 a program that wrote to `/dev/kmsg`.
    pub facility: u32,
    /// Counts the records since boot, from 0.
    pub sequence: u64,
    /// Microseconds since boot, without the time the machine slept.
    pub microseconds: u64,
    /// The text as the kernel escaped it, the line's end, and the lines ` KEY=value`. It is taken apart only for the
    /// few records that matter.
    pub(super) body: &'a [u8],
}

impl<'a> Record<'a> {
    /// Takes one record apart; `None` where `bytes` are no record.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (prefix, rest) = field(bytes)?;
        let (sequence, rest) = field(rest)?;
        let (microseconds, rest) = field(rest)?;
        // Flags, and since 5.1 perhaps the caller: of no use here.
        let end = rest.iter().position(|&byte| byte == b';')?;
        let prefix = u32::try_from(prefix).ok()?;
        let priority = (prefix & 7) as u8;
        Some(Self { priority, facility: prefix >> 3, sequence, microseconds, body: &rest[end + 1..] })
    }

    /// Whether the kernel, and no program, said it.
    pub fn is_kernel(&self) -> bool {
        self.facility == KERN
    }

    /// The text as the kernel escaped it and whatever stands behind it: enough to tell how the text begins.
    pub(super) fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The text as it was meant. It may hold several lines: a driver that prints them in one call makes one record.
    pub fn text(&self) -> Cow<'a, str> {
        unescape(self.halves().0)
    }

    /// What the dictionary says for `key`, for example `SUBSYSTEM` or `DEVICE` (`+pci:0000:4f:00.0`).
    pub fn value(&self, key: &str) -> Option<Cow<'a, str>> {
        let lines = self.halves().1.split(|&byte| byte == b'\n');
        let mut pairs = lines.filter_map(|line| line.strip_prefix(b" "));
        let value = pairs.find_map(|pair| pair.strip_prefix(key.as_bytes())?.strip_prefix(b"="))?;
        Some(unescape(value))
    }

    /// The text and the dictionary.
    fn halves(&self) -> (&'a [u8], &'a [u8]) {
        match self.body.iter().position(|&byte| byte == b'\n') {
            Some(end) => (&self.body[..end], &self.body[end + 1..]),
            None => (self.body, &[]),
        }
    }
}

/// A decimal number and what stands behind the comma after it.
fn field(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?,
            b',' if at > 0 => return Some((value, &bytes[at + 1..])),
            _ => return None,
        }
    }
    None
}

/// Takes `\xNN` back; anything else stays as it is, and bytes that are not UTF-8 become replacement characters.
fn unescape(raw: &[u8]) -> Cow<'_, str> {
    if !raw.contains(&b'\\') {
        return String::from_utf8_lossy(raw);
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match rest {
            [b'\\', b'x', high, low, ..] => nibble(*high).zip(nibble(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = &rest[4..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    Cow::Owned(
        String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
    )
}

fn nibble(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
