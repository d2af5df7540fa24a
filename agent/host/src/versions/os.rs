//! Kernel, distribution and containerd.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ParseError, Problem, Version};
use crate::Root;

/// The distribution, from `os-release`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OsRelease {
    /// `amzn`, `ubuntu`, `bottlerocket` …
    pub id: String,
    /// Distributions it is made like, nearest first.
    pub id_like: Vec<String>,
    /// `2023`, `24.04` …; empty where there is none (Debian sid).
    pub version_id: String,
    /// For people.
    pub pretty_name: String,
}

pub(super) fn kernel(root: &Root) -> Result<Option<Version>, Problem> {
    Ok(super::text(root, "/proc/sys/kernel/osrelease")?.map(|found| found.version))
}

pub(super) fn release(root: &Root) -> Result<Option<OsRelease>, Problem> {
    // os-release(5): the first is the administrator's, the second the vendor's.
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        if let Some(text) = root.read_text(path)? {
            return match parse(&text) {
                Some(release) => Ok(Some(release)),
                None => Err(Problem::Form { path: path.into(), expected: "a line `ID=<distribution>`" }),
            };
        }
    }
    Ok(None)
}

fn parse(text: &str) -> Option<OsRelease> {
    let values: BTreeMap<_, _> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key, unquote(value)))
        .collect();
    let get = |key| values.get(key).cloned().unwrap_or_default();
    let id = get("ID");
    (!id.is_empty()).then(|| OsRelease {
        id,
        id_like: get("ID_LIKE").split_whitespace().map(str::to_owned).collect(),
        version_id: get("VERSION_ID"),
        pretty_name: get("PRETTY_NAME"),
    })
}

/// Shell quoting as far as os-release(5) allows it: one pair of quotes around the whole, backslashes inside.
fn unquote(value: &str) -> String {
    let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    let mut out = String::with_capacity(value.len());
    let mut escaped = false;
    for c in inner.unwrap_or(value).chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            out.push(c);
            escaped = false;
        }
    }
    out
}

/// The version in the output of `containerd --version`: `containerd <source> v2.1.4 <commit>`, with or without the
/// `v` (distributions differ).
pub fn parse_containerd(output: &str) -> Result<Version, ParseError> {
    let fail = |reason| ParseError { value: output.chars().take(128).collect(), reason };
    let mut words = output.split_whitespace();
    if words.next() != Some("containerd") {
        return Err(fail("the output of `containerd --version` begins with `containerd`"));
    }
    let word = words.nth(1).ok_or_else(|| fail("the third word is missing"))?;
    word.strip_prefix('v').unwrap_or(word).parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_with_and_without_quotes() {
        let text = "NAME=\"Amazon Linux\"\nVERSION_ID=\"2023\"\n# a comment\nID=amzn\nID_LIKE='fedora rhel'\n\
                    PRETTY_NAME=\"A \\\"quoted\\\" name\"\n";
        let release = parse(text).unwrap();
        assert_eq!((release.id.as_str(), release.version_id.as_str()), ("amzn", "2023"));
        assert_eq!(release.id_like, ["fedora", "rhel"]);
        assert_eq!(release.pretty_name, "A \"quoted\" name");
        assert!(parse("NAME=x\n").is_none());
    }

    #[test]
    fn containerd_of_every_distribution() {
        for (output, version) in [
            ("containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7\n", "2.1.4"),
            ("containerd github.com/containerd/containerd 1.7.27 05044ec\n", "1.7.27"),
            (
                "containerd github.com/containerd/containerd/v2 2.0.5-0ubuntu1~24.04.1 \n",
                "2.0.5-0ubuntu1~24.04.1",
            ),
        ] {
            assert_eq!(parse_containerd(output).unwrap().as_str(), version);
        }
        for output in ["", "containerd", "containerd x", "runc version 1.2", "containerd x y z"] {
            assert!(parse_containerd(output).is_err(), "{output:?}");
        }
    }
}
