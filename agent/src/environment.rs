//! The environment, read once. Everything else is given its values.
#![allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]

/// All variables with a name in UTF-8; no setting of ours has another. What of a value is not UTF-8 is replaced (U+FFFD), so
/// that it is seen, and refused where it is one of ours.
pub(crate) fn pairs() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .collect()
}

/// One variable.
pub(crate) fn value(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
