//! The environment, read once. Everything else is given its values.
#![allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]

/// All variables whose name and value are UTF-8; no setting of ours is anything else.
pub(crate) fn pairs() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// One variable.
pub(crate) fn value(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
