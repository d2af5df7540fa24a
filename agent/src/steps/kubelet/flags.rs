//! Flags of a kubelet's command line, as its flag parser reads them.

/// The values that `flags` give to `name`, in order: `--name=value`, or `--name` and `value` as two words. A kubelet
/// takes `_` for `-` in names.
pub(super) fn values<'a>(flags: &'a [String], name: &'a str) -> impl Iterator<Item = &'a str> {
    flags.iter().enumerate().filter_map(move |(at, flag)| {
        let (written, value) =
            flag.split_once('=').map_or((flag.as_str(), None), |(name, value)| (name, Some(value)));
        let written = written.strip_prefix("--")?.replace('_', "-");
        if written == name { value.or_else(|| flags.get(at + 1).map(String::as_str)) } else { None }
    })
}

/// The value of a variable in an environment file, with quotes around it taken off; empty when it is not set. The
/// last assignment counts.
pub(super) fn value_of(environment: &str, variable: &str) -> String {
    let assignment = |line: &str| -> Option<String> {
        let value = line.trim().strip_prefix(variable)?.strip_prefix('=')?.trim();
        let unquoted = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
        Some(unquoted('"').or_else(|| unquoted('\'')).unwrap_or(value).trim().to_owned())
    };
    environment.lines().filter_map(assignment).next_back().unwrap_or_default()
}

/// The words of such a value.
pub(super) fn words_of(environment: &str, variable: &str) -> Vec<String> {
    value_of(environment, variable).split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_in_every_spelling() {
        let flags: Vec<_> =
            ["--a-b=1", "--a_b", "2", "--a-b=x=y", "--a-bc=no", "a-b=no", "--a-b"].map(str::to_owned).into();
        assert_eq!(values(&flags, "a-b").collect::<Vec<_>>(), ["1", "2", "x=y"]);
    }

    #[test]
    fn words_of_an_environment_file() {
        let text = "# KUBELET_EXTRA_ARGS=no\nOTHER=--x\nKUBELET_EXTRA_ARGS='--a=1'\nKUBELET_EXTRA_ARGS=\"--b=2  --c\"\n";
        assert_eq!(words_of(text, "KUBELET_EXTRA_ARGS"), ["--b=2", "--c"]);
        assert!(words_of(text, "KUBELET").is_empty());
    }
}
