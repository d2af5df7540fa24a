//! What is downloaded, and what proves it.

use super::super::kind::Form;
use super::{made_of, or};

/// Longer ones are refused by servers and proxies.
const LONGEST: usize = 2048;

/// A place to download from.
pub(crate) const URL: Form = Form {
    allowed: "an https://, s3:// or file:/// URL, or http:// for what a SHA-256 proves",
    check: |text| {
        let known = ["https://", "http://", "s3://", "file:///"];
        let rest = known.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or_default();
        let made = made_of(rest, |byte| byte.is_ascii_graphic()) && text.len() <= LONGEST;
        or(made && !rest.starts_with('/'), "not a URL to download from")
    },
};

/// A SHA-256.
pub(crate) const SHA256: Form = Form {
    allowed: "64 hexadecimal digits",
    check: |text| or(text.len() == 64 && made_of(text, |byte| byte.is_ascii_hexdigit()), "not a SHA-256"),
};

/// An OpenPGP key's fingerprint.
pub(crate) const FINGERPRINT: Form = Form {
    allowed: "40 hexadecimal digits, with or without spaces, or none",
    check: |text| {
        let digits: String = text.chars().filter(|letter| *letter != ' ').collect();
        let hex = digits.len() == 40 && made_of(&digits, |byte| byte.is_ascii_hexdigit());
        or(text == "none" || hex, "not the fingerprint of a key")
    },
};
