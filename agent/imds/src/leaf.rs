//! What the text at a path means, and whether it can mean that.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Why a text cannot be what the path promises: what was expected.
pub(crate) type Expected = &'static str;

/// Text without control characters.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Expected> {
    let text = std::str::from_utf8(bytes).map_err(|_| "text in UTF-8")?;
    if text.chars().any(char::is_control) {
        return Err("one line of text");
    }
    Ok(text)
}

/// A word: not empty, nothing but visible ASCII, as all ids and names of EC2 are.
pub(crate) fn word(bytes: &[u8]) -> Result<String, Expected> {
    match std::str::from_utf8(bytes).map(str::trim) {
        Ok(word) if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(word.to_owned())
        }
        _ => Err("one word in ASCII"),
    }
}

/// The lines of a listing; empty ones are passed over.
pub(crate) fn lines(bytes: &[u8]) -> Result<Vec<String>, Expected> {
    let text = std::str::from_utf8(bytes).map_err(|_| "lines of text in UTF-8")?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// A device or card index. No type has more than a few dozen; a signed or fractional number is none.
pub(crate) fn index(word: &str) -> Result<u32, Expected> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|_| digits).ok_or("a whole number")
}

/// An id with its prefix, for example `eni-` and hexadecimal digits.
pub(crate) fn id(word: &str, prefix: &str, expected: Expected) -> Result<String, Expected> {
    let rest = word.strip_prefix(prefix).ok_or(expected)?;
    if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(expected);
    }
    Ok(word.to_owned())
}

/// A MAC address, in lower case.
pub(crate) fn mac(word: &str) -> Result<String, Expected> {
    let pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    let fine = word.split(':').count() == 6 && word.split(':').all(pair);
    fine.then(|| word.to_ascii_lowercase()).ok_or("a MAC address (six pairs of hexadecimal digits)")
}

/// IPv4 addresses, as they were written.
pub(crate) fn ipv4s(lines: Vec<String>) -> Result<Vec<String>, Expected> {
    all_parse::<Ipv4Addr>(lines, "IPv4 addresses, one a line")
}

/// IPv6 addresses, as they were written.
pub(crate) fn ipv6s(lines: Vec<String>) -> Result<Vec<String>, Expected> {
    all_parse::<Ipv6Addr>(lines, "IPv6 addresses, one a line")
}

fn all_parse<T: FromStr>(lines: Vec<String>, expected: Expected) -> Result<Vec<String>, Expected> {
    if lines.iter().all(|line| line.parse::<T>().is_ok()) { Ok(lines) } else { Err(expected) }
}

/// Bytes for an error text: escaped, and shortened to what a log line can carry.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const LONGEST: usize = 80;
    let text = String::from_utf8_lossy(bytes);
    let mut shown: String = text.chars().take(LONGEST).collect();
    let cut = text.chars().count() > LONGEST;
    shown = format!("{shown:?}");
    if cut {
        shown.push('…');
    }
    shown
}

/// Entry for fuzzers.
pub(crate) fn fuzz(raw: &[u8]) {
    let parts = lines(raw).unwrap_or_default();
    assert!(parts.iter().all(|line| !line.is_empty() && !line.contains('\n')), "{parts:?}");
    if let Ok(word) = word(raw) {
        assert!(!word.is_empty() && !word.contains(char::is_whitespace), "{word:?}");
        let _ = index(&word);
        assert!(id(&word, "i-", "an id").is_err() || word.starts_with("i-"), "{word:?}");
        assert!(mac(&word).is_err() || word.len() == 17, "{word:?}");
    }
    assert!(!text(raw).is_ok_and(|text| text.contains('\n')), "a line break in {raw:?}");
    let _ = (ipv4s(parts.clone()), ipv6s(parts));
    let shown = shown(raw);
    // Escaping can make a character ten times longer (`\u{10ffff}`), not more.
    assert!(shown.len() <= 80 * 10 + 5, "{} bytes shown", shown.len());
    assert!(!shown.contains(char::is_control), "{shown}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn macs() {
        assert_eq!(mac("02:AB:cd:00:00:1f").unwrap(), "02:ab:cd:00:00:1f");
        for bad in [
            "",
            "02:ab:cd:00:00",
            "02:ab:cd:00:00:1f:00",
            "02-ab-cd-00-00-1f",
            "2:ab:cd:00:00:1f",
            "02:ab:cd:00:00:+f",
        ] {
            assert!(mac(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn indexes() {
        assert_eq!(index("31"), Ok(31));
        for bad in ["", "-1", "+1", "1.0", "one", "4294967296"] {
            assert!(index(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ids() {
        assert_eq!(id("eni-0a1b", "eni-", "x").unwrap(), "eni-0a1b");
        for bad in ["", "eni-", "i-0a1b", "eni-0a/b"] {
            assert!(id(bad, "eni-", "x").is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses() {
        assert!(ipv4s(vec!["10.0.0.1".into(), "10.0.0.2".into()]).is_ok());
        assert!(ipv4s(vec!["10.0.0.1".into(), "fd00::1".into()]).is_err());
        assert!(ipv6s(vec!["fd00::1".into()]).is_ok());
        assert!(ipv6s(vec!["10.0.0".into()]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            fuzz(&bytes);
        }
    }
}
