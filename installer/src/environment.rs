//! The environment, read once. Everything else is given its values.

/// All variables whose name and value are UTF-8; no setting is anything else.
pub fn pairs() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
